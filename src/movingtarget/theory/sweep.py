r"""Stability of gradient descent on a quadratic when blocks of coordinates move one after the other.

On $x^T H x / 2$ a step along block i alone multiplies x by $I - \eta E_i H$, with $E_i$ the projection on
the block; a sweep over all blocks is the product. It leaves vectors with $H x = 0$ as they are, at any rate,
and no others. So what decides is the map on the rest: with $H = R^T R$ and $y = R x$, whose square is twice
the loss,

$$ Q(\eta) = (I - \eta R_k R_k^T) \cdots (I - \eta R_1 R_1^T), \quad H_{ii} = R_i^T R_i, $$

$R_i$ being the columns of block i. One block of all coordinates is simultaneous descent. Below
$2 / \max_i \lambda_{\max}(H_{ii})$ no factor makes y longer, and a sweep is stable; that is sufficient, not
necessary. As $\lambda_{\max}(H) \ge \max_i \lambda_{\max}(H_{ii})$, with the ratio rho, sweeps bear at least
rho times the rate of simultaneous steps, and often more.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

Matrix = NDArray[np.float64]

FLAT = 1e-9
"""Curvatures below this share of the largest are none; negative ones beyond it are refused."""

PACE = 1.05
"""Rates are tried in steps of this factor: an unstable stretch that is narrower may be stepped over."""


def simultaneous_limit(hessian: ArrayLike) -> float:
    r"""The rate below which simultaneous descent is stable, exactly: $2 / \lambda_{\max}(H)$.

    Args:
        hessian: `(n, n)`, symmetric and positive semidefinite.

    Raises:
        ValueError: it is not, or it is zero.

    >>> round(simultaneous_limit([[1.0, 0.5], [0.5, 0.5]]), 3)
    1.528
    """
    return 2 / _top(_checked(hessian))


def sufficient_limit(hessian: ArrayLike, sizes: Sequence[int]) -> float:
    r"""A rate below which any sweep is stable: $2 / \max_i \lambda_{\max}(H_{ii})$.

    Args:
        hessian: as for `simultaneous_limit`.
        sizes: of the blocks, which follow one another.

    Raises:
        ValueError: as there, or sizes do not add up to n.

    >>> sufficient_limit([[1.0, 0.5], [0.5, 0.5]], [1, 1])
    2.0
    """
    return 2 / max(map(_top, _diagonal_blocks(_checked(hessian), sizes)))


def curvature_ratio(hessian: ArrayLike, sizes: Sequence[int]) -> float:
    r"""rho, $\lambda_{\max}(H) / \max_i \lambda_{\max}(H_{ii})$: the least that sweeps gain in rate.

    From 1, if blocks do not interfere, to their number. Arguments and errors as for `sufficient_limit`.

    >>> round(curvature_ratio([[1.0, 0.5], [0.5, 0.5]], [1, 1]), 3)
    1.309
    """
    return sufficient_limit(hessian, sizes) / simultaneous_limit(hessian)


def sweep_map(hessian: ArrayLike, sizes: Sequence[int], rate: float) -> Matrix:
    r"""The matrix of one sweep over the blocks in turn, $(I - \eta E_k H) \cdots (I - \eta E_1 H)$, `(n, n)`.

    Arguments as for `sufficient_limit`; the matrix may be any symmetric one.

    >>> sweep_map([[1.0, 0.5], [0.5, 0.5]], [1, 1], 1.0).tolist()
    [[0.0, -0.5], [0.0, 0.75]]
    """
    matrix = np.asarray(hessian, dtype=float)
    swept = np.eye(len(matrix))
    for block in _slices(matrix, sizes):
        swept[block] -= rate * matrix[block] @ swept
    return swept


def spectral_radius(matrix: ArrayLike) -> float:
    """The largest size of an eigenvalue; 0 of an empty matrix.

    >>> round(spectral_radius([[0.0, 2.0], [-2.0, 0.0]]), 6)
    2.0
    """
    return float(np.abs(np.linalg.eigvals(np.asarray(matrix, dtype=float))).max(initial=0.0))


def sweep_limit(
    hessian: ArrayLike, sizes: Sequence[int], flat: float = FLAT, tolerance: float = 1e-9
) -> float:
    r"""The rate up to which sweeps over the blocks in turn are stable, exactly.

    The least $\eta$ at which the spectral radius of Q reaches 1. Beyond it sweeps may be stable once more.
    It exists: as $\eta$ grows so does the determinant of Q, without bound.

    Args:
        hessian: `(n, n)`, symmetric and positive semidefinite.
        sizes: of the blocks, which follow one another.
        flat: curvatures of H below this share of its largest are taken for none.
        tolerance: of the rate, relative.

    Raises:
        ValueError: as for `sufficient_limit`.

    Twice what simultaneous descent bears, 1.528, though rho is 1.309 only:

    >>> round(sweep_limit([[1.0, 0.5], [0.5, 0.5]], [1, 1]), 6)
    3.0
    """
    matrix = _checked(hessian, flat)
    roots = [root for root in _roots(matrix, sizes, flat) if root.any()]

    def excess(rate: float) -> float:
        swept = np.eye(len(roots[0]))
        for root in roots:
            swept -= rate * root @ (root.T @ swept)
        return spectral_radius(swept) - 1

    low = sufficient_limit(matrix, sizes) / PACE
    while excess(high := low * PACE) < 0:
        low = high
    return float(brentq(excess, low, high, rtol=max(tolerance, 1e-15), xtol=1e-300))


def positive_part(hessian: ArrayLike) -> Matrix:
    r"""The nearest positive semidefinite matrix, $\sum_{\lambda > 0} \lambda v v^T$.

    >>> positive_part([[2.0, 0.0], [0.0, -1.0]]).tolist()
    [[2.0, 0.0], [0.0, 0.0]]
    """
    values, vectors = np.linalg.eigh(np.asarray(hessian, dtype=float))
    return np.asarray((vectors * values.clip(0)) @ vectors.T)


def _roots(matrix: Matrix, sizes: Sequence[int], flat: float) -> list[Matrix]:
    """The columns R_i of each block, `(rank, size)`, with R^T R the matrix."""
    values, vectors = np.linalg.eigh(matrix)
    curved = values > flat * values[-1]
    root = np.sqrt(values[curved])[:, None] * vectors[:, curved].T
    return [root[:, block] for block in _slices(matrix, sizes)]


def _slices(matrix: Matrix, sizes: Sequence[int]) -> list[slice]:
    if sum(sizes) != len(matrix) or min(sizes, default=0) < 1:
        raise ValueError(
            f"sizes of blocks are {', '.join(map(str, sizes))}; allowed: at least 1 each, "
            f"{len(matrix)} in all, as the matrix has rows"
        )
    return [slice(start, end) for start, end in pairwise([0, *np.cumsum(sizes).tolist()])]


def _diagonal_blocks(matrix: Matrix, sizes: Sequence[int]) -> list[Matrix]:
    return [matrix[block, block] for block in _slices(matrix, sizes)]


def _top(matrix: Matrix) -> float:
    return float(np.linalg.eigvalsh(matrix)[-1])


def _checked(hessian: ArrayLike, flat: float = FLAT) -> Matrix:
    """The matrix, if it is symmetric, positive semidefinite and not zero."""
    matrix = np.asarray(hessian, dtype=float)
    if matrix.ndim != 2 or not np.allclose(matrix, matrix.T, rtol=1e-7, atol=1e-10 * abs(matrix).max()):
        raise ValueError("the Hessian is not symmetric; allowed: a symmetric matrix")
    low, *_, high = np.linalg.eigvalsh(matrix)[[0, -1]]
    if low < -flat * abs(high) or not high > 0:
        raise ValueError(
            f"the Hessian's eigenvalues lie from {low:g} to {high:g}; "
            "allowed: a positive semidefinite matrix other than zero"
        )
    return matrix
