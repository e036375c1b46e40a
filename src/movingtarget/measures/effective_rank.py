"""Effective rank: how many directions the rows of a matrix share out their length over."""

import torch
from torch import Tensor

from movingtarget.networks.initialise import generator


def effective_rank(matrix: Tensor) -> Tensor:
    r"""Sum of the squared singular values over the largest of them.

    $$ r(A) = \operatorname{tr}(A^T A) / \|A\|_2^2 $$

    1 where all rows are multiples of one, min(m, n) where all singular values are equal.

    Args:
        matrix: `(..., m, n)`.

    Returns:
        `(...)`; NaN for a zero matrix (undefined).

    Source: Balduzzi et al. 2017, figure 5; Vershynin 2012 (effective rank of A^T A).

    >>> round(effective_rank(torch.eye(3)).item(), 6), round(effective_rank(torch.ones(3, 5)).item(), 6)
    (3.0, 1.0)
    """
    matrix = matrix.double()
    wide = matrix if matrix.shape[-2] <= matrix.shape[-1] else matrix.mT
    largest: Tensor = torch.linalg.eigvalsh(wide @ wide.mT)[..., -1]
    return matrix.square().sum((-2, -1)) / largest


def relative_effective_rank(matrix: Tensor, seed: int) -> Tensor:
    """Effective rank over that of one matrix of the same shape, `(m, n)`, with standard normal entries.

    About 1 where the rows are as independent as noise.

    Args:
        matrix: `(..., m, n)`.
        seed: of the normal matrix.

    Returns:
        `(...)`; NaN for a zero matrix (undefined).

    Source: Balduzzi et al. 2017, figure 5.

    >>> noise = torch.randn(4, 6, generator=generator(0, "gaussian matrix"), dtype=torch.double)
    >>> relative_effective_rank(noise, seed=0).item()
    1.0
    >>> relative_effective_rank(torch.ones(4, 6), seed=0).item() < 1
    True
    """
    shape = matrix.shape[-2:]
    noise = torch.randn(shape, generator=generator(seed, "gaussian matrix"), dtype=torch.double)
    return effective_rank(matrix) / effective_rank(noise)
