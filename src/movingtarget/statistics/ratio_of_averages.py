"""The ratio of two averages over seeds, as an average over seeds."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ratio_of_averages(numerators: ArrayLike, denominators: ArrayLike) -> NDArray[np.float64]:
    r"""What each seed adds to the ratio of averages, $r = \sum_s a_s / \sum_s b_s$.

    $$ r_s = r + (a_s - r\, b_s) / \bar b $$

    The mean of r_s is r itself, not the mean of ratios, which is biased where b varies from seed to seed; and
    the spread of r_s is that of r to first order, so that an interval for their mean is one for r.

    Args:
        numerators: a, `(seeds,)`.
        denominators: b, `(seeds,)`.

    Returns:
        `(seeds,)`; NaN if the denominators add up to zero (undefined).

    Source: Cochran 1977, "Sampling Techniques", section 6.4 (the variance of a ratio estimate).

    >>> values = ratio_of_averages([1.0, 1.0], [1.0, 3.0])
    >>> values.tolist(), float(values.mean())  # 2 / 4; the mean of ratios is 2 / 3
    ([0.75, 0.25], 0.5)
    """
    above, below = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    if below.sum() == 0:
        return np.full(len(below), np.nan)
    ratio = above.sum() / below.sum()
    values: NDArray[np.float64] = ratio + (above - ratio * below) / below.mean()
    return values
