"""Mutual information of samples whose joint distribution is known, in nats."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, ndtr

POINTS = 4
"""Of the quadrature, in a deviation of the noise: so smooth a density it integrates to ten digits."""

REACH = 8.5
"""Deviations from the mean beyond which a Gaussian variable does not count: they hold a share of 2e-17."""


def read_twice(variances: ArrayLike, noise: float) -> float:
    r"""Information between two readings, each through noise of its own, of a Gaussian layer.

    $$ I = -\tfrac12 \sum_j \ln\!\left( 1 - \left( \frac{\lambda_j}{\lambda_j + \sigma^2} \right)^2 \right) $$

    with the eigenvalues lambda of the layer's covariance; the same if one reading is of the layer rotated.

    Args:
        variances: the eigenvalues, of which a layer of independent units has the units' variances.
        noise: the standard deviation sigma.

    Source: Cover & Thomas, Elements of Information Theory, equation 8.54, in the eigenvectors' coordinates.

    >>> round(read_twice([1.0], noise=0.5), 4)  # of correlation 0.8
    0.5108
    """
    eigenvalues = np.asarray(variances, dtype=float)
    correlations = eigenvalues / (eigenvalues + noise**2)
    return float(-np.log1p(-np.square(correlations)).sum() / 2)


def decaying_variances(units: int) -> NDArray[np.float64]:
    """Eigenvalues in the proportions 1, 1/2, 1/3, ..., with a mean of 1.

    >>> decaying_variances(2).round(4).tolist()
    [1.3333, 0.6667]
    """
    shares = 1 / np.arange(1, units + 1)
    scaled: NDArray[np.float64] = shares / shares.mean()
    return scaled


def read_with_magnitude(noise: float) -> float:
    r"""Information between a standard normal x and its magnitude, each at unit deviation and through noise.

    $$ I(x + \sigma e;\; (|x| - m) / d + \sigma e'), \quad m^2 = 2 / \pi, \quad d^2 = 1 - 2 / \pi, $$

    as h(x') + h(y') - h(x', y'). The densities are integrals of Gaussian functions over one half of the line,
    with the normal distribution function in closed form, and are themselves integrated on a grid.

    Args:
        noise: the standard deviation sigma; the grid has some 4000 / sigma^2 points.

    No linear relation tells of it:

    >>> round(read_with_magnitude(noise=0.3), 3)
    0.611
    """
    mean, deviation = math.sqrt(2 / math.pi), math.sqrt(1 - 2 / math.pi)
    step = min(noise, 1.0) / POINTS
    reach = REACH * math.hypot(1, noise)
    x = np.arange(-reach, reach + step, step)
    y = np.arange(-mean / deviation - REACH * noise, (REACH - mean) / deviation + REACH * noise, step)
    magnitude = deviation * y + mean  # read through noise of `deviation` times sigma
    joint = sum(_half_line([side * x[:, None], magnitude], [noise, deviation * noise]) for side in (-1, 1))
    alone = 2 * _half_line([magnitude], [deviation * noise])
    entropy_x = math.log(2 * math.pi * math.e * (1 + noise**2)) / 2
    entropy_y = entr(deviation * alone).sum() * step
    return float(entropy_x + entropy_y - entr(deviation * joint).sum() * step**2)


def uniform_with_uniform_noise(half_width: float) -> float:
    r"""Information between X, uniform on (0, 1), and X + E, with E uniform on (-w, w).

    $$ I = \frac{1}{4w} \text{ for } w > \tfrac12, \text{ else } w - \ln 2w $$

    Args:
        half_width: w.

    Source: h(X + E) - h(E), the first a trapezium's; Cover & Thomas, section 8.1.

    >>> uniform_with_uniform_noise(0.5), uniform_with_uniform_noise(1.0)
    (0.5, 0.25)
    """
    return 1 / (4 * half_width) if half_width > 0.5 else half_width - math.log(2 * half_width)


def _half_line(readings: list[NDArray[np.float64]], noises: list[float]) -> NDArray[np.float64]:
    r"""Density of noisy readings of a standard normal x that is positive: that of both together.

    $$ \int_0^\infty \varphi(x) \prod_i \varphi((r_i - x) / \sigma_i) / \sigma_i \, dx $$
    """
    precision = 1 + sum(noise**-2 for noise in noises)
    pull = sum(reading / noise**2 for reading, noise in zip(readings, noises, strict=True))
    squares = sum((reading / noise) ** 2 for reading, noise in zip(readings, noises, strict=True))
    scale = math.sqrt(precision) * math.prod(noises) * (2 * math.pi) ** (len(noises) / 2)
    share = ndtr(pull / math.sqrt(precision))
    density: NDArray[np.float64] = np.exp((pull**2 / precision - squares) / 2) * share / scale
    return density
