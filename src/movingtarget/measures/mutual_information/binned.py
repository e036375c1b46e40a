"""Mutual information of samples put into bins."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from movingtarget.measures.mutual_information.estimate import Estimate, samples, told_apart

NEAR = 0.9
"""Of the ceiling: a value above that is decided by the bins' number."""


def binned(below: ArrayLike | Tensor, above: ArrayLike | Tensor, bins: int) -> Estimate:
    r"""Information between the cells that samples fall into, by their frequencies.

    $$ I = H(x) + H(y) - H(x, y), \quad H = -\sum_c p_c \ln p_c $$

    A cell is a combination of bins of all columns; the bins of a layer hold equal shares of its values, taken
    together, and a value that recurs on their edge has a bin of its own. With many columns every sample has a
    cell of its own and the estimate is ln n whatever they are: it tells how samples cluster.

    Args:
        below: `(examples, columns)`, as `samples` takes them.
        above: the same examples.
        bins: of each layer.

    Raises:
        ValueError: fewer than two bins.

    Source: Saxe et al. 2018, section 3, and Goldfeld et al. 2019, section 5 (what binning measures).
    """
    if bins < 2:
        raise ValueError(f"bins is {bins}; allowed: 2 or more")
    tables = samples(below, above)
    places = [_places(table.numpy(), bins) for table in tables]
    x, y = (_distinct(each) for each in places)
    joint, most = _entropy(_distinct(np.stack([x, y], 1))), told_apart(*tables)
    value = max(0.0, _entropy(x) + _entropy(y) - joint)  # less than zero by rounding alone
    ceiling = min(most, *(each.shape[1] * math.log(len(np.unique(each))) for each in places))
    return Estimate(value, ceiling, math.nan, joint > most - math.log(2) or value > NEAR * ceiling)


def _places(table: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Each value's bin."""
    edges = np.unique(np.quantile(table, np.linspace(0, 1, bins + 1)[1:-1]))
    recurring = [edge for edge in edges if np.count_nonzero(table == edge) > 1]
    return np.searchsorted(edges, table, "left") + np.searchsorted(recurring, table, "right")


def _distinct(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each row, equal for equal rows."""
    whole = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}")  # faster than by columns
    return np.unique(whole.ravel(), return_inverse=True)[1]


def _entropy(cells: NDArray[np.int64]) -> float:
    shares = np.bincount(cells) / len(cells)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
