"""Mutual information by the distances to nearest neighbours."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.special import digamma
from sklearn.neighbors import KDTree, NearestNeighbors
from torch import Tensor

from movingtarget.measures.information.estimate import Estimate, samples


def nearest_neighbours(below: ArrayLike | Tensor, above: ArrayLike | Tensor, neighbours: int) -> Estimate:
    r"""The first estimator of Kraskov, Stögbauer & Grassberger.

    $$ I = \psi(k) + \psi(n) - \langle \psi(n_x + 1) + \psi(n_y + 1) \rangle, $$

    where n_x counts the samples nearer in x, by the largest difference of a column, than the k-th neighbour
    in both. Any relation counts, but only where neighbours are near: of dozens of columns it sees next to
    nothing.

    Args:
        below: `(examples, columns)`, as `samples` takes them.
        above: the same examples.
        neighbours: k.

    Raises:
        ValueError: not more than k examples, or more than k equal ones.

    Source: Kraskov, Stögbauer & Grassberger 2004, equation 8.
    """
    first, second = (table.numpy() for table in samples(below, above))
    examples = len(first)
    if not 1 <= neighbours < examples:
        raise ValueError(f"neighbours is {neighbours}; allowed: 1 to {examples - 1}, less than the examples")
    both = np.hstack([first, second])
    search = NearestNeighbors(n_neighbors=neighbours, metric="chebyshev").fit(both)
    radius = search.kneighbors()[0][:, -1]
    if (radius == 0).any():
        raise ValueError(
            f"{(radius == 0).sum()} examples have {neighbours} others that equal them; allowed: samples that "
            "differ, as those with noise of their own do"
        )
    inside = np.nextafter(radius, 0)
    counted = [
        KDTree(table, metric="chebyshev").query_radius(table, inside, count_only=True)
        for table in (first, second)
    ]  # each counts itself, too
    value = digamma(neighbours) + digamma(examples) - np.mean(sum(map(digamma, counted)))
    ceiling = float(digamma(examples) - digamma(neighbours))
    return Estimate(float(value), ceiling, float("nan"), bool(value > ceiling - np.log(2)))


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
