"""Mutual information by the distances to nearest neighbours."""

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma
from sklearn.neighbors import KDTree, NearestNeighbors
from torch import Tensor

from movingtarget.measures.mutual_information.channel import scaled
from movingtarget.measures.mutual_information.estimate import Estimate, samples

FEW_COLUMNS = 8
"""Of both together: so many a tree finds neighbours faster among than all distances do."""

ROWS = 64
"""Examples whose distances to all are taken at once."""

NEAR = 1.5
"""So many nats below the ceiling, and above that, the estimate of a Gaussian pair is low by 0.2 or more."""

ROUNDING = 1e-10
"""Radii on a line are so much shorter, lest rounding count the neighbour that sets them."""

Table = NDArray[np.float64]

Counts = list[NDArray[np.int64]]


def nearest_neighbours(below: ArrayLike | Tensor, above: ArrayLike | Tensor, neighbours: int) -> Estimate:
    r"""The first estimator of Kraskov, Stögbauer & Grassberger.

    $$ I = \psi(k) + \psi(n) - \langle \psi(n_x + 1) + \psi(n_y + 1) \rangle, $$

    where n_x counts the samples nearer in x, by the largest difference of a column, than the k-th neighbour
    in both, when each of them has unit deviation. Any relation counts, but only where neighbours are near: of
    dozens of columns it sees next to nothing.

    Args:
        below: `(examples, columns)`, as `samples` takes them.
        above: the same examples.
        neighbours: k.

    Raises:
        ValueError: not more than k examples, or equal ones: among values that repeat, the next neighbour is
            as far as the grain of the values, not as their density, says.

    Source: Kraskov, Stögbauer & Grassberger 2004, equation 8.
    """
    first, second = (scaled(table, "deviation").numpy() for table in samples(below, above))
    examples = len(first)
    if not 1 <= neighbours < examples:
        raise ValueError(f"neighbours is {neighbours}; allowed: 1 to {examples - 1}, less than the examples")
    few = first.shape[1] + second.shape[1] <= FEW_COLUMNS
    nearest, counted = (_counted_in_trees if few else _counted)(first, second, neighbours)
    if (nearest == 0).any():
        raise ValueError(
            f"{(nearest == 0).sum()} examples equal others; allowed: samples that differ, as those with "
            "noise of their own do"
        )
    value = digamma(neighbours) + digamma(examples) - sum(digamma(each).mean() for each in counted)
    ceiling = float(digamma(examples) - digamma(neighbours))
    return Estimate(float(value), ceiling, math.nan, bool(value > ceiling - NEAR))


def nearest_neighbours_of_components(
    below: ArrayLike | Tensor, above: ArrayLike | Tensor, neighbours: int, components: int
) -> Estimate:
    """The same of the first principal components of each, which are few enough; all of fewer columns."""
    first, second = (_components(table, components) for table in samples(below, above))
    return nearest_neighbours(first, second, neighbours)


def _components(table: Tensor, count: int) -> Tensor:
    centred = table - table.mean(0)
    _, directions = torch.linalg.eigh(centred.mT @ centred)
    leading: Tensor = centred @ directions[:, -count:]
    return leading


def _counted_in_trees(first: Table, second: Table, neighbours: int) -> tuple[Table, Counts]:
    """Each example's distance to the nearest other, and how many lie nearer than the k-th, itself among them.

    The count is one for each side.
    """
    both = np.hstack([first, second])
    distances, _ = NearestNeighbors(n_neighbors=neighbours, metric="chebyshev").fit(both).kneighbors()
    inside = np.nextafter(distances[:, -1], 0)
    return distances[:, 0], [_inside(table, inside) for table in (first, second)]


def _inside(table: Table, radii: Table) -> NDArray[np.int64]:
    """How many examples lie within a radius of each, itself among them."""
    if table.shape[1] > 1:
        return KDTree(table, metric="chebyshev").query_radius(table, radii, count_only=True)  # type: ignore[no-any-return]
    places, line = table[:, 0], np.sort(table[:, 0])
    within = radii * (1 - ROUNDING)  # sums round, differences of what is near do not
    return np.searchsorted(line, places + within, "right") - np.searchsorted(line, places - within, "left")


def _counted(first: Table, second: Table, neighbours: int) -> tuple[Table, Counts]:
    """The same by all distances."""
    nearest, counts = [], []
    tables = [torch.from_numpy(table) for table in (first, second)]
    for start in range(0, len(first), ROWS):
        distances = [torch.cdist(table[start : start + ROWS], table, p=math.inf).numpy() for table in tables]
        both = np.partition(np.maximum(*distances), (1, neighbours), axis=1)  # the first is its own
        nearest.append(both[:, 1])
        counts.append([np.count_nonzero(each < both[:, neighbours, None], axis=1) for each in distances])
    return np.concatenate(nearest), list(np.concatenate(counts, axis=1))
