"""A share of cases with its interval."""

import pandas as pd
from scipy.stats import binomtest

from movingtarget.statistics.bootstrap import Interval


def share_interval(cases: pd.Series) -> Interval:
    """Share of ones among independent zeros and ones, with its 95 % interval; all NaN for no case.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference", Journal of
        the American Statistical Association 22(158).

    >>> share_interval(pd.Series([1.0] * 20))
    Interval(estimate=1.0, low=0.8388748419471808, high=1.0)
    """
    if cases.empty:
        return Interval(float("nan"), float("nan"), float("nan"))
    ones = int(cases.sum())
    found = binomtest(ones, len(cases)).proportion_ci(method="wilson")
    return Interval(ones / len(cases), float(found.low), float(found.high))
