"""Means over seeds with their 95 % intervals."""

from typing import Any

import pandas as pd

from movingtarget.statistics.bootstrap import Interval, bootstrap_interval
from movingtarget.statistics.rows import meeting


def mean_interval(values: pd.Series) -> Interval:
    """Mean over seeds and its 95 % interval, whose ends are NaN for a single seed; all NaN for none."""
    seeds = values.to_numpy()
    if not len(seeds):
        return Interval(float("nan"), float("nan"), float("nan"))
    return bootstrap_interval(lambda sample: seeds[sample].mean(-1), len(seeds))


def mean_of(table: pd.DataFrame, **conditions: Any) -> Interval:
    """Mean over seeds, with its 95 % interval, of a table's values that meet the conditions.

    Rows of one seed are averaged first. NaN where no row meets the conditions.

    Args:
        table: with columns seed and value.
        conditions: as `meeting` has them.
    """
    return mean_interval(meeting(table, **conditions).groupby("seed")["value"].mean())
