"""Mutual information of random projections onto a line."""

import math
from statistics import mean

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from movingtarget.measures.mutual_information.estimate import Estimate, samples
from movingtarget.measures.mutual_information.nearest_neighbours import nearest_neighbours


def sliced(below: ArrayLike | Tensor, above: ArrayLike | Tensor, slices: int, neighbours: int) -> Estimate:
    r"""Mean information between projections onto random directions, one of each side.

    $$ SI = \frac1m \sum_i I(\theta_i^T x;\, \phi_i^T y) $$

    Each is found by nearest neighbours. It needs no more samples for more columns, but measures something
    else: it is highest where few directions hold all there is, as in layers that have collapsed.

    Args:
        below: `(examples, columns)`, as `samples` takes them.
        above: the same examples.
        slices: m; their directions are the same in every call.
        neighbours: as in `nearest_neighbours`.

    Raises:
        ValueError: fewer than one slice, and as `nearest_neighbours`.

    Source: Goldfeld & Greenewald 2021, "Sliced mutual information", definition 1.
    """
    if slices < 1:
        raise ValueError(f"slices is {slices}; allowed: 1 or more")
    first, second = samples(below, above)
    source = torch.Generator().manual_seed(0)
    projections = [(_projected(first, source), _projected(second, source)) for _ in range(slices)]
    found = [nearest_neighbours(x, y, neighbours) for x, y in projections]
    value, ceiling = mean(estimate.value for estimate in found), found[0].ceiling
    return Estimate(value, ceiling, math.nan, any(estimate.saturated for estimate in found))


def _projected(table: Tensor, source: torch.Generator) -> Tensor:
    direction = torch.randn(table.shape[1], generator=source, dtype=table.dtype)
    projected: Tensor = table @ direction  # of any length, for neighbours are found at unit size
    return projected
