"""Cells of a table, each the seeds of one measurement, of two runs of the same seeds."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.statistics.prediction import Numbers, half_width, paired_chance

RELATIVE = 1e-6
"""Of a mean: how far rounding alone may move it, where seeds do not differ."""

ABSOLUTE = 1e-9
"""The same about zero."""

LONE = 0.05
"""Of the value of a single seed, which has no spread: how far it may move."""


def compare_cells(cell: NDArray[np.int64], reference: Numbers, new: Numbers) -> pd.DataFrame:
    """Each cell's means, the prediction interval of the new one, and the chance of what lies outside of it.

    Args:
        cell: `(values,)`, of each pair of values the cell that it belongs to, counted from 0.
        reference: `(values,)`, of the run that was kept.
        new: `(values,)`, of the new run, with the same seed in each place.

    Returns:
        A row for each cell: `reference` and `new`, means over the seeds that are finite in both runs;
        `half_width` of the 95 % prediction interval about the first; `outside`, whether the second lies
        beyond it, or other numbers of seeds are NaN or infinite than were; `chance`, of the paired t test,
        1 for what is not outside; `lone`, whether fewer than two seeds can be compared, so that the interval
        is a twentieth of the value and there is no test.
    """
    finite = np.isfinite(reference) & np.isfinite(new)
    n, mean, deviation = _moments(cell, reference, finite)
    _, difference, spread = _moments(cell, new - np.where(finite, reference, np.nan), finite)
    lone = n < 2
    allowed = np.maximum(np.where(lone, LONE, RELATIVE) * np.abs(np.nan_to_num(mean)), ABSOLUTE)
    half = np.fmax(half_width(deviation, n, n), allowed)
    apart = np.abs(difference) > half
    table = pd.DataFrame(
        {
            "reference": mean,
            "new": mean + difference,
            "half_width": half,
            "outside": apart,
            "chance": np.where(apart, _chance(difference, spread, n), 1.0),
            "lone": lone,
        }
    )
    for kind in (np.isnan, np.isposinf, np.isneginf):
        changed, chance = _changed(cell, kind(reference), kind(new))
        table["outside"] |= changed
        table["chance"] = np.minimum(table["chance"], chance)
    return table


def _changed(
    cell: NDArray[np.int64], reference: NDArray[np.bool_], new: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], Numbers]:
    """Whether other numbers of seeds are of a kind than were, and the chance of that."""
    n, mean, spread = _moments(cell, new.astype(float) - reference, np.full(len(cell), True))
    return mean != 0, np.where(mean != 0, _chance(mean, spread, n), 1.0)


def _chance(mean: Numbers, spread: Numbers, n: Numbers) -> Numbers:
    return np.nan_to_num(paired_chance(mean, spread, n), nan=1.0)


def _moments(
    cell: NDArray[np.int64], values: Numbers, which: NDArray[np.bool_]
) -> tuple[Numbers, Numbers, Numbers]:
    """Number, mean and standard deviation of a cell's values that count; NaN where they are too few."""
    cells, size = cell[which], int(cell.max(initial=-1)) + 1
    n = np.bincount(cells, minlength=size).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(cells, values[which], size) / n
        squares = np.bincount(cells, (values[which] - mean[cells]) ** 2, size)
        return n, mean, np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
