"""The papers' claims, judged on the results tables by a rule written down before the results."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.claims.claim import (
    SCALES,
    WORDS,
    Claim,
    Conditions,
    arms,
    choosing,
    confounds,
    is_word,
    listed,
)
from movingtarget.declarations import schemas
from movingtarget.statistics.best_rate import mean_at_best_rate
from movingtarget.statistics.bootstrap import Interval, bootstrap_interval
from movingtarget.tables import MEASURED, Schema, follows, of_role

OF_MEANS: dict[str, Callable[..., NDArray[np.float64]]] = {
    "mean": np.asarray,
    "difference": np.subtract,
    "ratio": np.divide,
}
"""Estimands that need no more than the arms' means."""

DIVERGED = {
    **dict.fromkeys(["batch_loss", "train_loss", "test_loss", "loss"], np.inf),
    **dict.fromkeys(["train_accuracy", "test_accuracy"], 0.0),
}
"""What a quantity, or a column, counts as where training has diverged and its value is NaN."""

VERDICTS: Schema = {
    "claim": str,
    "paper": follows(str),
    "place": follows(str),
    "statement": follows(str),
    "estimate": MEASURED,
    "low": MEASURED,
    "high": MEASURED,
    "seeds": follows(int),
    "paper_value": follows(float, may_be_nan=True),
    "treatment_confound": MEASURED,
    "control_confound": MEASURED,
    "verdict": follows(("reproduced", "not reproduced", "inconclusive")),
}
"""The schema of the table of verdicts, claims."""


class NoRowsError(ValueError):
    """No rows of a table meet a claim's conditions."""


def judge(claims: Sequence[Claim], tables: Mapping[str, pd.DataFrame], scale: str) -> pd.DataFrame:
    """Decide every claim: reproduced, not reproduced or inconclusive.

    A claim's rows are averaged within each seed. Its estimand is the mean over seeds, the difference or
    ratio of two arms' means, paired by seed, or the slope of log mean against log depth, with a 95 %
    bootstrap interval over seeds. What is averaged is the column `value`, or the one named. The claim is
    reproduced if the whole interval lies where `holds_if` says and not reproduced if none of it does. It is
    inconclusive in between, and if the run is below the claim's scale, has too few seeds or leaves the
    estimand undefined.

    An arm at its best learning rate chooses it anew in each resample. Where training has diverged, a loss
    counts as infinite and an accuracy as 0. The slope treats each depth as an arm of its own, and is
    undefined if a mean is not positive.

    A claim's confound, such as the gradient's norm, is averaged over the rows of each arm and stands beside
    the verdict without taking part in it: NaN where there is none.

    Args:
        claims: entries of a claims file, checked by `check_claims`.
        tables: results tables by name, as in `movingtarget.tables`.
        scale: the run's, one of `SCALES`.

    Returns:
        The `claims` table, one row a claim. A claim whose rows the run has not made is inconclusive, with 0
        seeds and no estimate.

    Raises:
        ValueError: one line naming the claim, if its arms, depths or learning rates do not share their
            seeds.
    """
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; allowed: {', '.join(SCALES)}")
    return pd.DataFrame([_judged(claim, tables, scale) for claim in claims], columns=list(VERDICTS))


def _judged(claim: Claim, tables: Mapping[str, pd.DataFrame], scale: str) -> dict[str, Any]:
    """A row of the claims table."""
    sufficient = SCALES.index(scale) >= SCALES.index(claim["scale"])
    try:
        interval, seeds = _measured(claim, tables)
    except NoRowsError:
        interval, seeds = Interval(np.nan, np.nan, np.nan), 0
    except ValueError as error:
        raise ValueError(f"claim {claim['id']}: {error}") from None
    decided = sufficient and seeds >= claim["seeds"]
    return {
        "claim": claim["id"],
        **{key: " ".join(claim[key].split()) for key in ("paper", "place", "statement")},
        **interval._asdict(),
        "seeds": seeds,
        "paper_value": float(claim.get("paper_value", np.nan)),
        **_confound_means(claim, tables),
        "verdict": _verdict(interval, claim["holds_if"]) if decided else "inconclusive",
    }


def _verdict(interval: Interval, holds_if: Mapping[str, Any]) -> str:
    if np.isnan(interval).any():
        return "inconclusive"
    region, measured = _region(holds_if), pd.Interval(interval.low, interval.high, closed="both")
    if interval.low in region and interval.high in region:
        return "reproduced"
    return "inconclusive" if measured.overlaps(region) else "not reproduced"


def _region(holds_if: Mapping[str, Any]) -> "pd.Interval[float]":
    if "below" in holds_if:
        return pd.Interval(-np.inf, float(holds_if["below"]), closed="left")
    if "above" in holds_if:
        return pd.Interval(float(holds_if["above"]), np.inf, closed="right")
    low, high = holds_if["within"]
    return pd.Interval(float(low), float(high), closed="both")


def _measured(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> tuple[Interval, int]:
    """Interval of a claim's estimand, and the number of seeds behind it."""
    column, best = claim.get("column", "value"), "learning_rate" in claim
    measured = [_arm(tables, table, conditions, column, best) for table, conditions in _averaged(claim)]
    seeds = _shared_seeds(claim, [values.index for values, _ in measured])
    matrices = [(values.to_numpy(), losses.to_numpy()) for values, losses in measured]
    combine = _estimand(claim)

    def estimand(sample: NDArray[np.int64]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return combine(*(mean_at_best_rate(*arm, sample) for arm in matrices))

    return bootstrap_interval(estimand, seeds), seeds


def _shared_seeds(claim: Claim, indices: Sequence["pd.Index[int]"]) -> int:
    """Number of seeds, the same in every arm or at every depth."""
    some = set().union(*indices)
    if lonely := sorted(some - set(indices[0]).intersection(*indices)):
        where = "at every depth" if claim["estimand"] == "log_slope" else "in both arms"
        raise ValueError(f"seeds {', '.join(map(str, lonely))} are not {where}; allowed: the same {where}")
    return len(some)


def _estimand(claim: Claim) -> Callable[..., NDArray[np.float64]]:
    """Function of the means of what `_averaged` lists."""
    if claim["estimand"] == "log_slope":
        return partial(_log_slope, claim["select"]["depth"])
    return OF_MEANS[claim["estimand"]]


def _log_slope(depths: Sequence[int], *means: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Slope of the least-squares line of log mean against log depth.

    $$ \frac{\sum_d (x_d - \bar x) \log m_d}{\sum_d (x_d - \bar x)^2}, \quad x_d = \log d $$

    Args:
        depths: d, at least two.
        means: m, `(...)` for each depth.

    Returns:
        `(...)`. NaN where a mean is not positive.
    """
    centred = np.log(depths) - np.log(depths).mean()
    logs = np.log([np.where(mean > 0, mean, np.nan) for mean in means])
    return np.asarray(np.tensordot(centred, logs, 1) / (centred @ centred))


def _averaged(claim: Claim) -> list[tuple[str, Conditions]]:
    """Table and conditions of each mean that the estimand is made of: an arm's, or that of one depth."""
    given = list(arms(claim).values())
    if claim["estimand"] != "log_slope":
        return given
    return [(table, {**arm, "depth": depth}) for table, arm in given for depth in arm["depth"]]


def _confound_means(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Mean of the confound over all rows of each arm; NaN where there are none."""
    means = dict.fromkeys(["treatment_confound", "control_confound"], np.nan)
    if "confound" not in claim:
        return means
    given = claim["confound"]
    rows = _rows(tables, given["table"])
    for name, conditions in zip(means, confounds(claim), strict=False):
        if conditions is None:
            continue
        with suppress(NoRowsError):
            values = _selected(rows, conditions)[given.get("column", "gradient_norm")]
            means[name] = float(values.mean(skipna=False))
    return means


def _arm(
    tables: Mapping[str, pd.DataFrame], table: str, conditions: Conditions, column: str, best: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What an arm measured and the losses that choose its learning rate, both seeds x rates."""
    rows = _rows(tables, table)
    values = _by_seed(_selected(rows, conditions), column, by_rate=best)
    if not best:
        return values, values.notna() * 0.0
    keys = of_role(schemas()[table], "key")
    settings = {column: value for column, value in conditions.items() if column in keys}
    chosen_by, loss = choosing(table) or ({}, "value")
    losses = _by_seed(_selected(rows, {**settings, **chosen_by}), loss, by_rate=True)
    if not (values.index.equals(losses.index) and values.columns.equals(losses.columns)):
        raise ValueError(
            f"learning_rate is best, but train_loss has other seeds or rates where {_shown(conditions)}"
        )
    return values, losses


def _rows(tables: Mapping[str, pd.DataFrame], table: str) -> pd.DataFrame:
    """A table's rows, none if the run has not made it."""
    return tables.get(table, pd.DataFrame(columns=list(schemas()[table])))


def _selected(rows: pd.DataFrame, conditions: Conditions) -> pd.DataFrame:
    """Rows that meet every condition, some for each listed value; extremes are those of the rows left."""
    plain = {column: listed(value) for column, value in conditions.items() if not is_word(column, value)}
    for column, values in plain.items():
        rows = rows[rows[column].isin(values)]
    for column in [column for column in conditions if column not in plain]:
        rows = rows[rows[column] == rows[column].agg(WORDS[column][conditions[column]])]
    if rows.empty or any(set(values) - set(rows[column]) for column, values in plain.items()):
        raise NoRowsError(f"no rows where {_shown(conditions)}")
    return rows


def _by_seed(rows: pd.DataFrame, column: str, by_rate: bool) -> pd.DataFrame:
    """Mean of a column for each seed (rows) at each learning rate (columns; only one unless by rate)."""
    diverged = rows["quantity"].map(DIVERGED) if "quantity" in rows else DIVERGED.get(column, np.nan)
    cells = rows.assign(
        value=rows[column].where(rows[column].notna(), diverged),
        rate=rows["learning_rate"] if by_rate else 0.0,
    ).groupby(["seed", "rate"])["value"]
    counts = cells.size().unstack(fill_value=0).to_numpy()
    if counts.min() < counts.max():
        raise ValueError("some seeds or learning rates have fewer rows than others")
    return cells.mean(skipna=False).unstack()


def _shown(conditions: Conditions) -> str:
    return ", ".join(f"{column} is {value}" for column, value in conditions.items())
