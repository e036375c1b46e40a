"""Effective rank: how many directions the rows of a matrix share out their length over."""

from functools import lru_cache

import torch
from torch import Tensor

from movingtarget.measures.given import size
from movingtarget.measures.gradient_correlation import examples_and_units
from movingtarget.measures.scale import unit_scale
from movingtarget.networks.initialise import generator


def effective_rank(matrix: Tensor) -> Tensor:
    r"""Sum of the squared singular values over the largest of them.

    $$ r(A) = \operatorname{tr}(A^T A) / \|A\|_2^2 $$

    1 where all rows are multiples of one, min(m, n) where all singular values are equal.

    Args:
        matrix: `(..., m, n)`, of any size; images' gradients are to be flattened first.

    Returns:
        `(...)`, float64; NaN for a zero matrix (undefined) and for one that is not finite.

    Raises:
        ValueError: fewer than two axes, or an empty matrix.

    Source: Balduzzi et al. 2017, figure 5; Vershynin 2012 (effective rank of A^T A).

    >>> round(effective_rank(torch.eye(3)).item(), 6), round(effective_rank(torch.ones(3, 5)).item(), 6)
    (3.0, 1.0)
    """
    if matrix.dim() < 2 or not matrix.numel():
        raise ValueError(f"the matrix is {size(matrix)}; allowed: rows x columns, one or more of each")
    matrix, _ = unit_scale(matrix, [-2, -1])
    finite = matrix.isfinite().all(-1).all(-1)
    matrix = torch.where(finite[..., None, None], matrix, 0.0)
    wide = matrix if matrix.shape[-2] <= matrix.shape[-1] else matrix.mT
    largest: Tensor = torch.linalg.eigvalsh(wide @ wide.mT)[..., -1]
    return matrix.square().sum((-2, -1)) / torch.where(finite & (largest > 0), largest, torch.nan)


def relative_effective_rank(gradients: Tensor, seed: int, *, stacked: bool = False) -> Tensor:
    """Effective rank of gradients over that of one matrix of the same shape with standard normal entries.

    About 1 where the rows are as independent as noise.

    Args:
        gradients: `(examples, ...)`, all other axes being columns.
        seed: of the normal matrix, which all members share.
        stacked: a leading axis is that of members, `(members, examples, ...)`.

    Returns:
        `()`, or `(members,)`; NaN where all gradients are zero (undefined), or one is not finite.

    Raises:
        ValueError: none of the axes that are wanted.

    Source: Balduzzi et al. 2017, figure 5.

    >>> noise = torch.randn(4, 6, generator=generator(0, "gaussian matrix"), dtype=torch.double)
    >>> relative_effective_rank(noise, seed=0).item()
    1.0
    >>> relative_effective_rank(torch.ones(4, 6), seed=0).item() < 1
    True
    """
    own = examples_and_units(gradients, stacked=stacked)
    return effective_rank(own) / _rank_of_noise(own.shape[-2], own.shape[-1], seed)


@lru_cache(maxsize=64)
def _rank_of_noise(rows: int, columns: int, seed: int) -> float:
    noise = torch.randn(rows, columns, generator=generator(seed, "gaussian matrix"), dtype=torch.double)
    return effective_rank(noise).item()
