"""Means over seeds with their 95 % intervals."""

from typing import Any

import pandas as pd

from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.rows import meeting
from movingtarget.statistics.studentised import studentised_interval


def mean_interval(values: pd.Series) -> Interval:
    """Mean over seeds and its 95 % interval, whose ends are NaN for a single seed; all NaN for none.

    >>> mean_interval(pd.Series([2.0]))
    Interval(estimate=2.0, low=nan, high=nan)
    >>> mean_interval(pd.Series([2.0, 2.0, 2.0]))
    Interval(estimate=2.0, low=2.0, high=2.0)
    """
    if values.empty:
        return Interval(float("nan"), float("nan"), float("nan"))
    return studentised_interval(values.to_numpy())


def mean_of(table: pd.DataFrame, **conditions: Any) -> Interval:
    """Mean over seeds, with its 95 % interval, of a table's values that meet the conditions.

    Rows of one seed are averaged first. NaN where no row meets the conditions.

    Args:
        table: with columns seed and value.
        conditions: as `meeting` has them.

    >>> table = pd.DataFrame({"layer": [1, 2, 1, 2], "seed": [0, 0, 1, 1], "value": [1.0, 3.0, 4.0, 8.0]})
    >>> mean_of(table, layer=[1, 2]).estimate  # of 2 and 6
    4.0
    """
    return mean_interval(meeting(table, **conditions).groupby("seed")["value"].mean())
