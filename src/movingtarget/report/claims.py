"""The papers' claims, judged on the results tables by a rule written down before the results."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.report.bootstrap import Interval, bootstrap_interval
from movingtarget.tables import DEPENDENT, MEASURED, TABLES, Kind

Claim = dict[str, Any]
Conditions = dict[str, Any]

SCALES = ("smoke", "default", "paper")

OF_MEANS: dict[str, Callable[..., NDArray[np.float64]]] = {
    "mean": np.asarray,
    "difference": np.subtract,
    "ratio": np.divide,
}
"""Estimands that need no more than the arms' means."""

ESTIMANDS = (*OF_MEANS, "log_slope")

ALONE = ("mean", "log_slope")
"""Estimands of select alone, without treatment and control."""

WORDS = {"step": {"first": "min", "last": "max"}, "learning_rate": {"smallest": "min", "largest": "max"}}
"""Conditions that name an extreme of the rows an arm has."""

DIVERGED = {
    **dict.fromkeys(["batch_loss", "train_loss", "test_loss", "loss"], np.inf),
    **dict.fromkeys(["train_accuracy", "test_accuracy"], 0.0),
}
"""What a quantity, or a column, counts as where training has diverged and its value is NaN."""

FINAL_LOSS = ({"quantity": "train_loss", "step": "last"}, "value")

CHOOSING: dict[str, tuple[Conditions, str]] = {
    "training": FINAL_LOSS,
    "depth_ladder": FINAL_LOSS,
    "update_orders": ({"step": "last"}, "train_loss"),
    "update_order_budgets": ({}, "train_loss"),
}
"""The losses that choose an arm's best learning rate, in the tables that have any: conditions and column."""


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
    return pd.DataFrame([_judged(claim, tables, scale) for claim in claims], columns=list(TABLES["claims"]))


def check_claims(claims: Sequence[Claim]) -> None:
    """Check that the claims make sense: their ids, tables, columns, values and arms.

    Args:
        claims: entries of a claims file, whose form the schema of claims has already checked.

    Raises:
        ValueError: one line naming the claim, the key, its value and what is allowed.
    """
    ids = [claim["id"] for claim in claims]
    for claim in claims:
        if ids.count(claim["id"]) > 1:
            raise ValueError(
                f"claim {claim['id']}: id is used twice; allowed: an id of its own for each claim"
            )
        if problem := next(_problems(claim), None):
            raise ValueError(f"claim {claim['id']}: {problem}")


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
    arms = [_arm(tables, table, conditions, column, best) for table, conditions in _averaged(claim)]
    seeds = _shared_seeds(claim, [values.index for values, _ in arms])
    matrices = [(values.to_numpy(), losses.to_numpy()) for values, losses in arms]
    combine = _estimand(claim)

    def estimand(sample: NDArray[np.int64]) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return combine(*(_arm_mean(*arm, sample) for arm in matrices))

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


def _arm_mean(
    values: NDArray[np.float64], losses: NDArray[np.float64], sample: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean over a sample of seeds, at the learning rate whose loss is the lowest in that sample.

    Args:
        values: `(seeds, rates)`, what is measured.
        losses: `(seeds, rates)`, the training loss that chooses the rate.
        sample: `(..., n)` seed numbers.

    Returns:
        `(...)`.
    """
    best = losses[sample].mean(-2).argmin(-1)
    return np.take_along_axis(values[sample].mean(-2), best[..., None], -1)[..., 0]


def _arms(claim: Claim) -> dict[str, tuple[str, Conditions]]:
    """Table and conditions of each arm."""
    if claim["estimand"] in ALONE:
        return {"select": (claim["table"], claim["select"])}
    return {
        name: (
            claim[name].get("table", claim["table"]),
            {**claim["select"], **{key: value for key, value in claim[name].items() if key != "table"}},
        )
        for name in ("treatment", "control")
    }


def _averaged(claim: Claim) -> list[tuple[str, Conditions]]:
    """Table and conditions of each mean that the estimand is made of: an arm's, or that of one depth."""
    arms = list(_arms(claim).values())
    if claim["estimand"] != "log_slope":
        return arms
    return [(table, {**arm, "depth": depth}) for table, arm in arms for depth in arm["depth"]]


def _confounds(claim: Claim) -> list[Conditions | None]:
    """Conditions of each arm on the confound's table: those that it has, and the confound's own.

    None for an arm of which the table has no condition, noise for one: it has no such confound.
    """
    given = claim["confound"]
    own = {column: value for column, value in given.items() if column not in ("table", "column")}
    known = _conditioned(given["table"])
    shared = [
        {column: value for column, value in arm.items() if column in known}
        for _, arm in _arms(claim).values()
    ]
    return [{**conditions, **own} if conditions else None for conditions in shared]


def _confound_means(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Mean of the confound over all rows of each arm; NaN where there are none."""
    means = dict.fromkeys(["treatment_confound", "control_confound"], np.nan)
    if "confound" not in claim:
        return means
    given = claim["confound"]
    rows = _rows(tables, given["table"])
    for name, conditions in zip(means, _confounds(claim), strict=False):
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
    settings = {column: value for column, value in conditions.items() if column not in DEPENDENT}
    chosen_by, loss = CHOOSING[table]
    losses = _by_seed(_selected(rows, {**settings, **chosen_by}), loss, by_rate=True)
    if not (values.index.equals(losses.index) and values.columns.equals(losses.columns)):
        raise ValueError(
            f"learning_rate is best, but train_loss has other seeds or rates where {_shown(conditions)}"
        )
    return values, losses


def _rows(tables: Mapping[str, pd.DataFrame], table: str) -> pd.DataFrame:
    """A table's rows, none if the run has not made it."""
    return tables.get(table, pd.DataFrame(columns=list(TABLES[table])))


def _selected(rows: pd.DataFrame, conditions: Conditions) -> pd.DataFrame:
    """Rows that meet every condition, some for each listed value; extremes are those of the rows left."""
    plain = {column: _listed(value) for column, value in conditions.items() if not _is_word(column, value)}
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


def _is_word(column: str, value: object) -> bool:
    return isinstance(value, str) and value in WORDS.get(column, {})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _shown(conditions: Conditions) -> str:
    return ", ".join(f"{column} is {value}" for column, value in conditions.items())


def _problems(claim: Claim) -> Iterator[str]:
    """What is wrong with a claim; what follows a problem takes it as mended."""
    arms = [name for name in ("treatment", "control") if name in claim]
    expected = [] if claim["estimand"] in ALONE else ["treatment", "control"]
    if arms != expected:
        given = f"estimand is {claim['estimand']} with {' and '.join(arms) or 'no arms'}"
        alone = f"{' or '.join(ALONE)} of select alone"
        yield f"{given}; allowed: {alone}, difference or ratio of treatment and control"
    low, high = claim["holds_if"].get("within", (0, 0))
    if low > high:
        yield f"holds_if.within is {[low, high]}; allowed: the lower end first"
    for name, (table, conditions) in _arms(claim).items():
        yield from _arm_problems(claim, name, table, conditions)
    if claim["estimand"] == "log_slope":
        yield from _depth_problems(claim["select"])
    if "confound" in claim:
        yield from _confound_problems(claim)


def _arm_problems(claim: Claim, name: str, table: str, conditions: Conditions) -> Iterator[str]:
    own = claim[name]
    yield from _table_problems(f"{name}.table" if "table" in own else "table", table)
    yield from _column_problems("column", claim.get("column"), "value", table)
    if "learning_rate" in claim and table not in CHOOSING:
        known = ", ".join(CHOOSING)
        yield f"learning_rate is best, but {table} has no training losses; allowed: only with {known}"
    yield from _quantity_problems(name, table, conditions)
    for column, value in conditions.items():
        yield from _condition_problems(name if column in own else "select", column, value, table)


def _depth_problems(select: Conditions) -> Iterator[str]:
    depths = _listed(select.get("depth", []))
    if len(depths) < 2 or min(depths) < 1:
        given = f"is {select['depth']}" if "depth" in select else "is missing"
        yield f"select.depth {given}; allowed: a list of at least two depths from 1 on for a log_slope"


def _confound_problems(claim: Claim) -> Iterator[str]:
    given = claim["confound"]
    table = given["table"]
    yield from _table_problems("confound.table", table)
    yield from _column_problems("confound.column", given.get("column"), "gradient_norm", table)
    yield from _quantity_problems("confound", table, given)
    for conditions in filter(None, _confounds(claim)):
        for column, value in conditions.items():
            yield from _condition_problems("confound", column, value, table)


def _table_problems(key: str, table: str) -> Iterator[str]:
    allowed = [known for known, columns in TABLES.items() if "seed" in columns and _measured_of(known)]
    if table not in allowed:
        yield f"{key} is {table}{_meant(table, allowed)}; allowed: {', '.join(allowed)}"


def _column_problems(key: str, column: str | None, default: str, table: str) -> Iterator[str]:
    allowed = _measured_of(table)
    if (column or default) not in allowed:
        given = f"is {column}{_meant(column, allowed)}" if column else f"is missing, so {default}"
        yield f"{key} {given}, which {table} has not measured; allowed: {', '.join(allowed)}"


def _quantity_problems(name: str, table: str, conditions: Conditions) -> Iterator[str]:
    if "quantity" in TABLES[table] and "quantity" not in conditions:
        yield f"{name}.quantity is missing; allowed: {_allowed('quantity', TABLES[table]['quantity'])}"


def _condition_problems(name: str, column: str, value: object, table: str) -> Iterator[str]:
    key, columns = f"{name}.{column}", _conditioned(table)
    if column in _measured_of(table):
        yield f"{key} is measured in {table}, no condition; allowed: {', '.join(columns)}"
    if column not in columns:
        yield f"{key} is no column of {table}{_meant(column, columns)}; allowed: {', '.join(columns)}"
    wrong = [item for item in _listed(value) if not _fits(item, columns[column])]
    if wrong and not _is_word(column, value):
        yield f"{key} is {wrong[0]!r}; allowed: {_allowed(column, columns[column])}"


def _measured_of(table: str) -> list[str]:
    """A table's measured columns."""
    return [column for column in TABLES[table] if column in MEASURED]


def _conditioned(table: str) -> dict[str, Kind]:
    """A table's columns that conditions may name."""
    return {column: kind for column, kind in TABLES[table].items() if column not in MEASURED | {"seed"}}


def _fits(value: object, kind: Kind) -> bool:
    if isinstance(kind, tuple):
        return value in kind
    return isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)


def _allowed(column: str, kind: Kind) -> str:
    names = {int: "a whole number", float: "a number such as 0.001 or 1.0e-3", str: "text"}
    words = kind if isinstance(kind, tuple) else (names[kind], *WORDS.get(column, {}))
    return ", ".join(words)


def _meant(word: str, known: Sequence[str] | Mapping[str, object]) -> str:
    return "".join(f" (did you mean {match}?)" for match in difflib.get_close_matches(word, known, 1))
