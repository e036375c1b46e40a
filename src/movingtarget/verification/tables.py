r"""A table of a new run beside the same table of a run that was kept.

A cell is what all keys but the seed tell apart, in one measured column: seeds $x_1, \dots, x_n$ of the
reference and $y_1, \dots, y_n$ of the new run. It lies outside if the new mean is beyond the reference's
95 % prediction interval, $\bar x \pm t_{n-1} s \sqrt{2/n}$: five in a hundred would of a run that shared no
seed with it, none of one that differs by rounding.

Both runs have the same settings, and so the same seeds. What moves a number is rounding on another
machine, and what training makes of that; how much it makes, the differences $y_i - x_i$ of the seeds
say, in a paired t test. So a table is different if cells are outside, which is what matters, and
further than chance explains, which is what can be known: by one cell, whatever the others say; by most
cells of one arm, whatever their dependence; or by so many arms, which train networks of their own, that
it is no luck. Each of the three allows for how many there are to choose from, and the least counts
threefold. A single number a hundred times as large as any of its quantity in the reference is different
without a test, which it would blind. So runs that share nothing but their settings are told apart no
more often than the level says, however the cells of an arm hang together. With five seeds, a shift of a
single arm by two standard deviations is seen where rounding moves numbers by less than a tenth of what
another seed would, with ten by less than a third; where it moves them nearly as much, as training for
an epoch can, twenty such arms are seen, or seven by three standard deviations. Two seeds show nothing.

What is not measured is compared row by row. Numbers that follow from the settings agree to rounding. A
learning rate that a search chose may be a step of the search away, a factor of 1.5; the cells of such an
arm are counted and told, not judged. Text, counts, measurements of a single seed, which may move by a
twentieth, and rows that are in one run alone may differ in one of twenty, but no arm may be missing.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special  # scipy.stats takes a second to import

from movingtarget.statistics.prediction import Numbers, chance_of_most
from movingtarget.tables import Schema, of_role
from movingtarget.verification.cells import ABSOLUTE, RELATIVE, compare_cells
from movingtarget.verification.outcome import SECONDS, Outcome, Status

STEP = 1.5
"""Factor between neighbouring rates of a search."""

SHARE = 0.05
"""Of text, counts and rows: so many may differ."""

FAR = 0.05
"""The chance up to which a cell is far outside; most of an arm's are with twice that chance at most."""

BEYOND = 100
"""How many times the largest number of a quantity, or 1 if that is larger, a number may be."""

CHOSEN = "learning_rate"
NEW = " new"


class Pairs(NamedTuple):
    """Rows of two runs, one row for each that is in both, and how many are in one alone.

    Attributes:
        rows: keys; of other columns the reference's and, with the ending " new", the new run's.
        keys: the columns by which rows were paired, but for the seed.
        alone: rows in one run alone.
        arms_alone: arms that are in one run alone.
    """

    rows: pd.DataFrame
    keys: list[str]
    alone: int
    arms_alone: int


def compare_table(
    name: str, schema: Schema, reference: pd.DataFrame, new: pd.DataFrame, level: float
) -> Outcome:
    """Say of a table whether it is identical to that of the reference, within its intervals, or different.

    Args:
        name: of the table.
        schema: of it.
        reference: that of the run that was kept.
        new: that of the new run.
        level: the chance that it is called different where only chance differs.
    """
    reference, new = _untimed(reference), _untimed(new)
    if {*reference} <= {*of_role(schema, "key")}:
        return Outcome("table", name, "exempt", told="measured in seconds")
    if reference.equals(new):
        return Outcome("table", name, "identical")
    pairs = pair_rows(schema, reference, new)
    cells = cells_of(schema, pairs)
    chance = table_chance(cells)
    found = [*_differences(schema, pairs), *_lone(cells), *_beyond(schema, pairs.rows)]
    wrong, odd = ([told for bad, told in found if bad is kind] for kind in (True, False))
    status: Status = "different" if wrong or chance < level else "within"
    told = "; ".join([*_furthest(cells), *wrong, *odd])
    return Outcome("table", name, status, len(cells), int(cells["outside"].sum()), chance, told)


def pair_rows(schema: Schema, reference: pd.DataFrame, new: pd.DataFrame) -> Pairs:
    """Pair the rows of two runs by their keys.

    A rate that a search chose is no key, where rows can be told apart without; of a search's rows, the chosen
    ones are compared.
    """
    keys = [*of_role(schema, "key")]
    without = [key for key in keys if key != CHOSEN]
    if "place" in schema and CHOSEN in keys:
        reference, new = (rows[rows["place"] != "tried"] for rows in (reference, new))
    if not any(rows.duplicated(without).any() for rows in (reference, new)):
        keys = without
    both = reference.merge(new, on=keys, how="outer", suffixes=("", NEW), indicator="found")
    paired = both["found"] == "both"
    in_both = paired.groupby(_numbered(both, arm_keys(schema))).any()
    rows = both[paired].reset_index(drop=True)
    return Pairs(rows, [key for key in keys if key != "seed"], int((~paired).sum()), int((~in_both).sum()))


def cells_of(schema: Schema, pairs: Pairs) -> pd.DataFrame:
    """What `compare_cells` says of each cell, with its keys, its column, and the number of its arm.

    The cells of an arm whose learning rate is another have chance 1: they are not judged.
    """
    rows, by = pairs.rows, pairs.keys
    cell = _numbered(rows, by)
    named = rows.loc[~pd.Series(cell).duplicated().to_numpy(), by].reset_index(drop=True)
    named["arm"] = _numbered(named, arm_keys(schema))
    frames = [
        named.join(compare_cells(cell, *_numbers(rows, column))).assign(column=column)
        for column, kind in of_role(schema, "measured").items()
        if column in rows and kind in (int, float)
    ]
    nothing = named.assign(outside=False, chance=1.0, lone=False)
    cells = pd.concat(frames, ignore_index=True) if frames else nothing
    if CHOSEN + NEW in rows:
        other = pd.Series(_apart(rows, CHOSEN)).groupby(cell).any()
        cells.loc[np.tile(other, max(len(frames), 1)), "chance"] = 1.0
    return cells


def table_chance(cells: pd.DataFrame) -> float:
    """The chance that cells lie so far outside: one of them, most of an arm's, or most of so many arms'."""
    if not cells["outside"].any():
        return 1.0
    arms = (
        cells.assign(far=cells["chance"] <= FAR).groupby("arm").agg({"chance": chance_of_most, "far": "mean"})
    )
    many = int((arms["far"] > 0.5).sum())
    one, most = len(cells) * cells["chance"].min(), len(arms) * arms["chance"].min()
    return float(min(1.0, 3 * min(one, most, special.bdtrc(many - 1, len(arms), 2 * FAR))))


def arm_keys(schema: Schema) -> list[str]:
    """The keys that tell arms apart: those in words, but for the quantity, and the depth."""
    keys = of_role(schema, "key").items()
    return [key for key, kind in keys if key == "depth" or (kind not in (int, float) and key != "quantity")]


def _untimed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows and columns that are not measured in seconds."""
    rows = rows[[column for column in rows if column not in SECONDS]]
    return rows[~rows["budget"].isin(SECONDS)].reset_index(drop=True) if "budget" in rows else rows


def _numbered(rows: pd.DataFrame, by: list[str]) -> NDArray[np.int64]:
    """Of each row the number of its combination of values, counted from 0."""
    if not by:
        return np.zeros(len(rows), dtype=np.int64)
    return np.asarray(rows.groupby(by, dropna=False, sort=False).ngroup(), dtype=np.int64)


def _numbers(rows: pd.DataFrame, column: str) -> tuple[Numbers, Numbers]:
    """A measured column of the reference, and of the new run."""
    return rows[column].to_numpy(float), rows[column + NEW].to_numpy(float)


def _apart(rows: pd.DataFrame, column: str) -> NDArray[np.bool_]:
    """Where a column differs between the runs, numbers by more than rounding."""
    reference, new = rows[column], rows[column + NEW]
    if reference.dtype != float:
        return (reference != new).to_numpy()
    return ~np.isclose(new, reference, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)


def _differences(schema: Schema, pairs: Pairs) -> Iterator[tuple[bool, str]]:
    """What differs beside measured numbers: whether by more than it may, and words for it."""
    rows = pairs.rows
    if pairs.alone:
        many = pairs.alone > SHARE * (len(rows) + pairs.alone)
        yield many or pairs.arms_alone > 0, f"{pairs.alone} rows are in one run alone"
    keys = {*pairs.keys, "seed"}
    for column, kind in of_role(schema, "key", "follows", "measured").items():
        numbers = column in of_role(schema, "measured") and kind in (int, float)
        if column not in rows or column in keys or numbers:
            continue
        apart = _apart(rows, column)
        if apart.any():
            first = rows.loc[apart, [column, column + NEW]].iloc[0]
            told = (
                f"{column} {_shown(first.iloc[1])}, reference {_shown(first.iloc[0])}, in {apart.sum()} rows"
            )
            yield _too_far(rows, column, apart), told


def _lone(cells: pd.DataFrame) -> Iterator[tuple[bool, str]]:
    """The same of measurements with a single seed."""
    lone = cells.loc[cells["lone"], "outside"]
    if lone.any():
        yield bool(lone.mean() > SHARE), f"of single seeds {lone.sum()} of {len(lone)} moved"


def _beyond(schema: Schema, rows: pd.DataFrame) -> Iterator[tuple[bool, str]]:
    """The same of numbers that no seed of any arm of the reference comes near."""
    quantity = rows["quantity"] if "quantity" in rows else pd.Series("", index=rows.index)
    for column, kind in of_role(schema, "measured").items():
        if column not in rows or kind not in (int, float):
            continue
        most = rows[column].abs().where(np.isfinite(rows[column])).groupby(quantity).transform("max")
        new = rows[column + NEW].abs().where(np.isfinite(rows[column + NEW]))
        if (beyond := new > BEYOND * most.clip(lower=1.0)).any():  # a share that was 0 may be 1
            value = _shown(float(rows.loc[beyond, column + NEW].iloc[0]))
            yield True, f"{column} {value}, beyond {BEYOND} times any in the reference"


def _too_far(rows: pd.DataFrame, column: str, apart: NDArray[np.bool_]) -> bool:
    """Whether a column that is not measured differs by more than it may."""
    if column == CHOSEN:
        ratio = np.abs(np.log(rows[column + NEW] / rows[column]))
        return bool((ratio > np.log(STEP) + RELATIVE).any())
    return bool(rows[column].dtype == float or apart.mean() > SHARE)


def _furthest(cells: pd.DataFrame) -> list[str]:
    """The cell that lies furthest outside, in words; none if none does."""
    outside = cells[cells["outside"]]
    if outside.empty:
        return []
    distance = ((outside["new"] - outside["reference"]).abs() / outside["half_width"]).fillna(np.inf)
    cell = outside.iloc[int(distance.to_numpy().argmax())]
    names = [_shown(cell[key]) for key in [*cells][: [*cells].index("arm")]]
    names += [] if cell["column"] == "value" else [str(cell["column"])]
    if np.isinf(distance.max()):
        return [f"{' '.join(names)}: other seeds are finite"]
    half = _shown(cell["half_width"])
    return [f"{' '.join(names)}: {_shown(cell['new'])}, reference {_shown(cell['reference'])} ± {half}"]


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
