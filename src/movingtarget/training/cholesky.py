"""Cholesky factors of a stack's matrices, where a member's failure is its own."""

import torch
from torch import Tensor


def cholesky_factors(matrices: Tensor) -> Tensor:
    """The lower triangular L of each $L L^T$, `(..., n, n)`; NaN where there is none.

    That is where a matrix holds NaN or infinities, or is not positive definite, if by round-off alone.

    >>> cholesky_factors(torch.tensor([[[4.0]], [[-1.0]]])).flatten()
    tensor([2., nan])
    """
    factors, failed = torch.linalg.cholesky_ex(matrices)
    return torch.where((failed == 0)[..., None, None], factors, torch.nan)


def inverses(matrices: Tensor) -> Tensor:
    """Of positive definite matrices `(..., n, n)`; NaN where `cholesky_factors` has NaN."""
    return torch.cholesky_inverse(cholesky_factors(matrices))


def factor_flops(size: int) -> float:
    """FLOPs of one factor of n x n numbers, n^3 / 3."""
    return size**3 / 3


def inverse_flops(size: int) -> float:
    """FLOPs of one inverse of n x n numbers, n^3 / 3 of its factor and 2 n^3 / 3 more."""
    return float(size**3)


def solution_flops(size: int, right_sides: int) -> float:
    """FLOPs of solving with a factor that is there, 2 n^2 for each right-hand side."""
    return 2.0 * size**2 * right_sides
