"""Moments over random networks of the gradients at two inputs, for gates that open at random.

Every gate is active with probability 1/2 at each input and with probability 1/4 at both, independently of
the weights, which have mean 0 and variance 2 / width. A layer, or a residual block, holds one weight matrix.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.special
from numpy.typing import ArrayLike, NDArray


class Moments(NamedTuple):
    """Second moments of a unit's gradients g_i and g_j at two inputs, each of the shape of the depths."""

    variance: NDArray[np.float64]  # E[g_i g_i]
    covariance: NDArray[np.float64]  # E[g_i g_j]
    correlation: NDArray[np.float64]


def feedforward_moments(depth: ArrayLike) -> Moments:
    """Feedforward network: variance 1, covariance and correlation 2^-L.

    Args:
        depth: L, at least 0; any shape.

    Raises:
        ValueError: a negative depth.

    Source: Balduzzi et al. 2017, theorem 1.

    >>> feedforward_moments([0, 1, 3]).correlation.tolist()
    [1.0, 0.5, 0.125]
    """
    depths = _at_least(depth, 0, "depth")
    return Moments(1.0**depths, 0.5**depths, 0.5**depths)


def residual_moments(depth: ArrayLike) -> Moments:
    """Residual network without batch norm: variance 2^L, covariance (3/2)^L, correlation (3/4)^L.

    Args:
        depth: L, the number of blocks, at least 0; any shape.

    Raises:
        ValueError: a negative depth.

    Source: Balduzzi et al. 2017, theorem 2 (alpha = beta = 1).

    >>> [float(moment) for moment in residual_moments(2)]  # 2^2, (3 / 2)^2, (3 / 4)^2
    [4.0, 2.25, 0.5625]
    """
    depths = _at_least(depth, 0, "depth")
    return Moments(2.0**depths, 1.5**depths, 0.75**depths)


def scaled_residual_asymptote(blocks: ArrayLike, beta: ArrayLike) -> Moments:
    """Residual network with batch norm and scaled branches, as the paper states it.

    Variance beta^2 (L - 1) + 1, covariance beta sqrt(L), correlation 1 / (beta sqrt(L)): rates for a large
    beta^2 L, not their ratio; the correlation exceeds 1 where beta^2 L < 1.

    Args:
        blocks: L, at least 1; any shape.
        beta: scale of the branches, above 0.

    Raises:
        ValueError: no block, or a beta that is not positive.

    Source: Balduzzi et al. 2017, theorem 3.

    >>> [float(moment) for moment in scaled_residual_asymptote(100, 1.0)]
    [100.0, 10.0, 0.1]
    """
    counts, scales = _at_least(blocks, 1, "blocks"), _positive(beta)
    covariance = scales * np.sqrt(counts)
    return Moments(scales**2 * (counts - 1) + 1, covariance, 1 / covariance)


def scaled_residual_moments(blocks: ArrayLike, beta: ArrayLike) -> Moments:
    r"""Exact product behind the paper's theorem 3, whose batch norm divides but does not centre.

    $$ E g_i^2 = \prod_{l=1}^K (1 + \beta^2 / v_l), \quad E g_i g_j = \prod_{l=1}^K (1 + \beta^2 / 2 v_l), $$

    the stream's variance being v_l = 1 + beta^2 (l - 1).

    Args:
        blocks: K, at least 0; any shape.
        beta: scale of the branches, above 0.

    Raises:
        ValueError: a negative number of blocks, or a beta that is not positive.

    Source: derived here, from the assumptions of Balduzzi et al. 2017, theorem 3.

    >>> exact = scaled_residual_moments([1, 2], 1.0)
    >>> exact.variance.round(6).tolist(), exact.covariance.round(6).tolist()  # 2, 2 x 3/2; 3/2, 3/2 x 5/4
    ([2.0, 3.0], [1.5, 1.875])
    """
    return _normalised_residual_moments(blocks, beta, branch_variance=1.0)


def centred_residual_moments(blocks: ArrayLike, beta: ArrayLike) -> Moments:
    r"""As `scaled_residual_moments`, for a batch norm that also subtracts the batch's mean.

    Of a branch's second moment, the share 1 / pi is the square of its mean over the batch, which the next
    batch norm removes: v_l = 1 + beta^2 (1 - 1 / pi)(l - 1).

    Args:
        blocks: K, at least 0; any shape.
        beta: scale of the branches, above 0.

    Raises:
        ValueError: a negative number of blocks, or a beta that is not positive.

    Source: derived here.

    >>> centred_residual_moments([1, 2], 1.0).correlation.round(4).tolist()
    [0.75, 0.6102]
    >>> scaled_residual_moments([1, 2], 1.0).correlation.round(4).tolist()
    [0.75, 0.625]
    """
    return _normalised_residual_moments(blocks, beta, branch_variance=1 - 1 / np.pi)


def highway_moments(depth: ArrayLike, skip: ArrayLike, branch: ArrayLike) -> Moments:
    """Highway network: variance 1, covariance and correlation (skip^2 + branch^2 / 2)^L.

    Args:
        depth: L, at least 0; any shape.
        skip: gamma1, the weight of the stream.
        branch: gamma2, the weight of the branch, skip^2 + branch^2 = 1.

    Raises:
        ValueError: a negative depth, or squares that do not add up to 1.

    Source: Balduzzi et al. 2017, corollary 1.

    >>> round(float(highway_moments(2, skip=0.6, branch=0.8).correlation), 6)  # (0.36 + 0.32)^2
    0.4624
    """
    depths = _at_least(depth, 0, "depth")
    kept, added = np.asarray(skip, dtype=float) ** 2, np.asarray(branch, dtype=float) ** 2
    total = np.asarray(kept + added)
    wrong = total[~np.isclose(total, 1, rtol=0, atol=1e-9)]
    if wrong.size:
        raise ValueError(f"skip^2 + branch^2 must be 1, not {wrong[0]:g}")
    correlation = (kept + added / 2) ** depths
    return Moments(np.ones_like(correlation)[()], correlation, correlation)


def highway_limit() -> float:
    """Correlation e^(-1/2) of an infinitely deep highway network, skip^2 = 1 - 1 / L and branch^2 = 1 / L.

    Source: Balduzzi et al. 2017, corollary 1.

    >>> deep = highway_moments(10_000, skip=(1 - 1e-4) ** 0.5, branch=0.01)
    >>> round(float(deep.correlation), 4), round(highway_limit(), 4)
    (0.6065, 0.6065)
    """
    return math.exp(-1 / 2)


def _normalised_residual_moments(blocks: ArrayLike, beta: ArrayLike, branch_variance: float) -> Moments:
    """Products over blocks, the stream's variance growing by beta^2 branch_variance in each."""
    counts, power = _at_least(blocks, 0, "blocks"), _positive(beta) ** 2
    variance = _product(counts, power, power * branch_variance)
    covariance = _product(counts, power / 2, power * branch_variance)
    return Moments(variance, covariance, covariance / variance)


def _product(
    counts: NDArray[np.float64], gain: NDArray[np.float64], growth: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Product of 1 + gain / (1 + growth (l - 1)) over l = 1 .. counts.

    With a = 1 / growth and m = gain / growth it is Gamma(a + m + K) Gamma(a) / (Gamma(a + m) Gamma(a + K)),
    a ratio of two Pochhammer symbols of low order, which do not overflow.
    """
    start, order = 1 / growth, gain / growth
    product: NDArray[np.float64] = scipy.special.poch(start + counts, order) / scipy.special.poch(
        start, order
    )
    return product


def _at_least(value: ArrayLike, least: int, name: str) -> NDArray[np.float64]:
    """Depths as floats, if none is below the least."""
    values = np.asarray(value, dtype=float)
    below = values[~(values >= least)]
    if below.size:
        raise ValueError(f"{name} must be at least {least}, not {below[0]:g}")
    return values


def _positive(beta: ArrayLike) -> NDArray[np.float64]:
    """Branch scales as floats, if all are above 0."""
    values = np.asarray(beta, dtype=float)
    wrong = values[~(values > 0)]
    if wrong.size:
        raise ValueError(f"beta must be above 0, not {wrong[0]:g}")
    return values
