"""Rank correlation with confounds held fixed."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

DETERMINED = 1e-12
"""Of what controls leave of two variables' variances: the product up to which it is rounding alone."""


def rank_correlation(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Spearman's correlation along the last axis, ties at their mean rank; NaN where one is constant.

    >>> rank_correlation([1, 2, 3], [1, 10, 100]).item(), rank_correlation([1, 2, 3], [3, 2, 1]).item()
    (1.0, -1.0)
    """
    left, right = (_centred_ranks(values) for values in (first, second))
    products: NDArray[np.float64] = (left * right).sum(-1)
    with np.errstate(invalid="ignore"):
        return np.asarray(products / np.sqrt((left**2).sum(-1) * (right**2).sum(-1)))


def partial_rank_correlation(
    first: ArrayLike, second: ArrayLike, *controls: ArrayLike
) -> NDArray[np.float64]:
    r"""Spearman's correlation of two variables with others partialled out, one after the other.

    $$ r_{xy \cdot Zw} = \frac{r_{xy \cdot Z} - r_{xw \cdot Z} r_{yw \cdot Z}}
         {\sqrt{(1 - r_{xw \cdot Z}^2)(1 - r_{yw \cdot Z}^2)}} $$

    Args:
        first: `(..., n)`.
        second: `(..., n)`, infinite values being the largest.
        controls: `(..., n)` each; without any it is `rank_correlation`.

    Returns:
        `(...)`; NaN where a control is constant, or controls determine one of the others.

    A control hides how closely the second follows the first:

    >>> first, second, control = [1, 2, 3, 4], [2, 1, 4, 3], [2, 4, 1, 3]
    >>> round(rank_correlation(first, second).item(), 6), round(rank_correlation(second, control).item(), 6)
    (0.6, -0.8)
    >>> round(partial_rank_correlation(first, second, control).item(), 6)
    1.0
    """
    if not controls:
        return rank_correlation(first, second)
    *others, last = controls
    pairs = ((first, second), (first, last), (second, last))
    xy, xz, yz = (partial_rank_correlation(*pair, *others) for pair in pairs)
    left = (1 - xz**2) * (1 - yz**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        partial: NDArray[np.float64] = (xy - xz * yz) / np.sqrt(left)
    return np.where(left > DETERMINED, partial, np.nan)


def _centred_ranks(values: ArrayLike) -> NDArray[np.float64]:
    ranks: NDArray[np.float64] = np.asarray(rankdata(values, axis=-1), dtype=np.float64)
    return np.asarray(ranks - ranks.mean(-1, keepdims=True))
