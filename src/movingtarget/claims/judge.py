"""The papers' claims, judged on the results tables by a rule written down before the results."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.claims.claim import (
    KINDS,
    LEVEL,
    SCALES,
    WORDS,
    Claim,
    Conditions,
    arms,
    confounds,
    families,
    is_word,
    listed,
)
from movingtarget.declarations import schemas
from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.studentised import studentised_interval
from movingtarget.tables import MEASURED, Schema, follows

DIVERGED = {
    **dict.fromkeys(["batch_loss", "train_loss", "test_loss", "loss"], np.inf),
    **dict.fromkeys(["train_accuracy", "test_accuracy"], 0.0),
}
"""What a quantity, or a column, counts as where training has diverged and its value is NaN."""

VERDICTS: Schema = {
    "claim": str,
    "kind": follows(KINDS),
    "question": follows(str),
    "paper": follows(str),
    "place": follows(str),
    "statement": follows(str),
    "estimate": MEASURED,
    "low": MEASURED,
    "high": MEASURED,
    "confidence": follows(float),
    "seeds": follows(int),
    "paper_value": follows(float, may_be_nan=True),
    "treatment_confound": MEASURED,
    "control_confound": MEASURED,
    "verdict": follows(("reproduced", "not reproduced", "inconclusive")),
}
"""The schema of the table of verdicts, claims."""


class NoRowsError(ValueError):
    """No rows of a table meet a claim's conditions."""


def by_seed(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> NDArray[np.float64]:
    r"""What each seed contributes to a claim's estimate: its jackknife pseudo-value.

    $$ n \hat\theta - (n - 1) \hat\theta_{-i} $$

    Of a mean and of a difference, that is the seed's own.

    Args:
        claim: an entry of a claims file, checked by `check_claims`.
        tables: results tables by name.

    Returns:
        `(seeds,)`, none if the run has not made the claim's rows.
    """
    try:
        measured = _measured(claim, tables)
    except NoRowsError:
        return np.empty(0)
    n, estimand = len(measured), _estimand(claim)
    values = measured.reshape(n, -1)
    means = values.mean(axis=0)
    if n == 1:
        return np.atleast_1d(estimand(*means))
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (n * means - values) / (n - 1)
        return np.asarray(n * estimand(*means) - (n - 1) * estimand(*without.T))


def judge(claims: Sequence[Claim], tables: Mapping[str, pd.DataFrame], scale: str) -> pd.DataFrame:
    """Decide every claim: reproduced, not reproduced or inconclusive.

    A claim's rows are averaged within each seed. Its estimand is the mean over seeds, the difference or
    ratio of two arms' means, paired by seed, or the slope of log mean against log depth, with its
    studentised bootstrap interval. What is averaged is the column `value`, or the one named. The claim is
    reproduced if the whole interval lies where `holds_if` says and not reproduced if none of it does. It is
    inconclusive in between, and if the run is below the claim's scale, has too few seeds or leaves the
    estimand undefined.

    A claim of a paper, and a check, has a 95 % interval. The m claims of one question are tested together,
    by Holm's procedure: at first all intervals have confidence 1 - 0.05 / m; while some of those left are
    decided, the others are tried again with m their number. The chance of a wrong verdict anywhere in the
    question is then at most 5 %.

    Where training has diverged, a loss counts as infinite and an accuracy as 0. The slope treats each depth
    as an arm of its own, and is undefined if a mean is not positive.

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
        ValueError: one line naming the claim, if its arms or depths do not share their seeds.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
        Statistics 6(2).
    """
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; allowed: {', '.join(SCALES)}")
    tests = {claim["id"]: _test(claim, tables, scale) for claim in claims}
    decided: dict[str, _Decision] = {}
    for members in families(claims).values():
        decided |= _holm({claim["id"]: tests[claim["id"]] for claim in members})
    rows = [_row(claim, tests[claim["id"]], decided[claim["id"]], tables) for claim in claims]
    return pd.DataFrame(rows, columns=list(VERDICTS))


class _Test(NamedTuple):
    """A claim's estimand by the confidence of its interval, its region, its seeds, whether they suffice."""

    interval: Callable[[float], Interval]
    region: "pd.Interval[float]"
    seeds: int
    sufficient: bool


class _Decision(NamedTuple):
    confidence: float
    interval: Interval
    verdict: str


def _holm(tests: Mapping[str, _Test]) -> dict[str, _Decision]:
    """Verdicts of one question's tests, step by step."""
    decided: dict[str, _Decision] = {}
    while left := {name: test for name, test in tests.items() if name not in decided}:
        tried = {name: _decide(test, 1 - LEVEL / len(left)) for name, test in left.items()}
        found = {name: decision for name, decision in tried.items() if decision.verdict != "inconclusive"}
        decided |= found or tried
    return decided


def _decide(test: _Test, confidence: float) -> _Decision:
    interval = test.interval(confidence)
    return _Decision(
        confidence, interval, _verdict(interval, test.region) if test.sufficient else "inconclusive"
    )


def _test(claim: Claim, tables: Mapping[str, pd.DataFrame], scale: str) -> _Test:
    region = _region(claim["holds_if"])
    try:
        values = _measured(claim, tables)
    except NoRowsError:
        return _Test(lambda confidence: Interval(np.nan, np.nan, np.nan), region, 0, sufficient=False)
    except ValueError as error:
        raise ValueError(f"claim {claim['id']}: {error}") from None
    reaches = SCALES.index(scale) >= SCALES.index(claim["scale"])
    return _Test(
        lambda confidence: studentised_interval(values, _estimand(claim), confidence=confidence),
        region,
        len(values),
        sufficient=reaches and len(values) >= claim["seeds"],
    )


def _row(
    claim: Claim, test: _Test, decision: _Decision, tables: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """A row of the claims table."""
    return {
        "claim": claim["id"],
        "kind": claim["kind"],
        "question": claim.get("question", "none"),
        **{key: " ".join(claim[key].split()) for key in ("paper", "place", "statement")},
        **decision.interval._asdict(),
        "confidence": decision.confidence,
        "seeds": test.seeds,
        "paper_value": float(claim.get("paper_value", np.nan)),
        **_confound_means(claim, tables),
        "verdict": decision.verdict,
    }


def _verdict(interval: Interval, region: "pd.Interval[float]") -> str:
    if np.isnan(interval).any():
        return "inconclusive"
    measured = pd.Interval(interval.low, interval.high, closed="both")
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


def _measured(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> NDArray[np.float64]:
    """What is averaged over seeds, `(seeds, arms)`: of a difference, the difference itself."""
    column = claim.get("column", "value")
    measured = [_by_seed(_selected(_rows(tables, table), arm), column) for table, arm in _averaged(claim)]
    _check_seeds(claim, [values.index for values in measured])
    values: NDArray[np.float64] = np.stack([arm.to_numpy() for arm in measured], axis=-1, dtype=np.float64)
    if claim["estimand"] != "difference":
        return values
    with np.errstate(invalid="ignore"):
        return np.subtract(values[:, 0], values[:, 1])


def _check_seeds(claim: Claim, indices: Sequence["pd.Index[int]"]) -> None:
    """Every arm, or every depth, has the same seeds."""
    some = set().union(*indices)
    if lonely := sorted(some - set(indices[0]).intersection(*indices)):
        where = "at every depth" if claim["estimand"] == "log_slope" else "in both arms"
        raise ValueError(f"seeds {', '.join(map(str, lonely))} are not {where}; allowed: the same {where}")


def _estimand(claim: Claim) -> Callable[..., NDArray[np.float64]]:
    """Function of the means of what `_measured` gives."""
    if claim["estimand"] == "log_slope":
        return partial(_log_slope, claim["select"]["depth"])
    return np.divide if claim["estimand"] == "ratio" else np.asarray


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


def _by_seed(rows: pd.DataFrame, column: str) -> "pd.Series[float]":
    """Mean of a column for each seed."""
    diverged = rows["quantity"].map(DIVERGED) if "quantity" in rows else DIVERGED.get(column, np.nan)
    cells = rows[column].where(rows[column].notna(), diverged).groupby(rows["seed"])
    if cells.size().min() < cells.size().max():
        raise ValueError("some seeds have fewer rows than others")
    means: pd.Series[float] = cells.mean(skipna=False)
    return means


def _shown(conditions: Conditions) -> str:
    return ", ".join(f"{column} is {value}" for column, value in conditions.items())
