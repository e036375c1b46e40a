"""Means over batches, with their intervals."""

import math
from collections.abc import Iterable

import numpy as np
from scipy import special  # scipy.stats takes a second to import

from movingtarget.statistics.bootstrap import Interval


def over_batches(values: Iterable[float]) -> Interval:
    r"""The mean and Student's 95 % interval, $\bar x \pm t_{n-1} s / \sqrt n$, of values that are not NaN.

    The ends are NaN for one value, all is for none.

    >>> [round(end, 2) for end in over_batches([1.0, 2.0, 3.0])]
    [2.0, -0.48, 4.48]
    """
    kept = np.array([value for value in values if not math.isnan(value)])
    if not len(kept):
        return Interval(math.nan, math.nan, math.nan)
    mean = float(kept.mean())
    if len(kept) == 1:
        return Interval(mean, math.nan, math.nan)
    half = float(special.stdtrit(len(kept) - 1, 0.975) * kept.std(ddof=1) / math.sqrt(len(kept)))
    return Interval(mean, mean - half, mean + half)
