"""Two inputs in a wide random rectifier network: correlations of its layers and of its gradients."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

NETWORKS = ("feedforward", "residual")
NORMALISATIONS = ("none", "centred", "batch-norm")


def kappa0(correlation: ArrayLike) -> NDArray[np.float64]:
    r"""Arc-cosine kernel of order 0: twice the probability that two pre-activations are both positive.

    $$ \kappa_0(\rho) = 1 - \theta / \pi, \quad \theta = \arccos \rho $$

    Args:
        correlation: rho, of two standard normal pre-activations; any shape.

    Raises:
        ValueError: a correlation outside -1 .. 1.

    Source: Cho & Saul 2009, equation 6 with n = 0.

    >>> kappa0([1, 0, -1]).tolist()
    [1.0, 0.5, 0.0]
    """
    return 1 - _angle(correlation) / np.pi


def kappa1(correlation: ArrayLike) -> NDArray[np.float64]:
    r"""Arc-cosine kernel of order 1: twice the expected product of two rectified pre-activations.

    $$ \kappa_1(\rho) = (\sin \theta + (\pi - \theta) \cos \theta) / \pi, \quad \theta = \arccos \rho $$

    Args:
        correlation: rho, of two standard normal pre-activations; any shape.

    Raises:
        ValueError: a correlation outside -1 .. 1.

    Source: Cho & Saul 2009, equation 6 with n = 1.

    >>> kappa1([1, 0, -1]).round(4).tolist()  # the one in the middle is 1 / pi
    [1.0, 0.3183, 0.0]
    """
    angle = _angle(correlation)
    kernel: NDArray[np.float64] = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
    return kernel


def co_activation(correlation: ArrayLike) -> NDArray[np.float64]:
    r"""Probability that a rectifier is active for both of two inputs, $(\pi - \theta) / 2 \pi$.

    Args:
        correlation: rho = cos theta, of its pre-activations at the two inputs; any shape.

    Raises:
        ValueError: a correlation outside -1 .. 1.

    Source: Sheppard 1899 (the quadrant probability of a bivariate normal).

    >>> co_activation([1, 0, -1]).tolist()
    [0.5, 0.25, 0.0]
    """
    return kappa0(correlation) / 2


def correlations(network: str, normalisation: str, depth: int, start: float = 0.0) -> NDArray[np.float64]:
    r"""Correlation of two inputs after each of layers 0 .. depth, in the limit of infinite width.

    $$ \rho_l = \frac{s_l \rho_{l-1} + \kappa_1(\rho_{l-1}) - m}{s_l + 1 - m} $$

    Layer l turns the stream x into s x + W relu(N(x)), its weights of mean 0 and variance 2 / width; the
    skip s is 0 in a feedforward and 1 in a residual network, and rho is the correlation over units of N(x),
    which the next layer's rectifiers gate. Without normalisation m = 0. Centring and batch norm N subtract
    the batch's mean, which takes m = 1 / pi from every branch: the batch is taken to be large, its other
    pairs uncorrelated. s_l is 0 (feedforward), 1 (residual; stream and branch grow alike) or, in a residual
    network with batch norm, the variance of the stream, 1 + (1 - 1 / pi)(l - 1).

    Args:
        network: "feedforward" or "residual" (with a branch scale beta = 1).
        normalisation: "none", "centred" or "batch-norm".
        depth: number of layers, or of residual blocks of one weight layer.
        start: correlation before the first layer's rectifiers.

    Returns:
        `(depth + 1,)`; entry 0 is `start`, entry l - 1 gates layer l.

    Raises:
        ValueError: an unknown network or normalisation, a negative depth, a start outside -1 .. 1.

    Source: Cho & Saul 2009 without normalisation; the other recursions are derived here.

    >>> correlations("feedforward", "none", depth=2).round(3).tolist()  # inputs grow alike
    [0.0, 0.318, 0.494]
    >>> correlations("feedforward", "centred", depth=2).round(3).tolist()
    [0.0, 0.0, 0.0]
    """
    mean = 0.0 if normalisation == "none" else 1 / np.pi
    if not abs(start) <= 1:
        raise ValueError(f"start must lie in -1 .. 1, not {start}")
    path = [start]
    for carried in _carried(network, normalisation, depth):
        kernel = float(kappa1(path[-1]))
        following = (carried * path[-1] + kernel - mean) / (carried + 1 - mean)
        path.append(min(following, 1.0))  # sines and cosines of some machines may round it above 1
    return np.array(path)


def gradient_correlation(network: str, normalisation: str, depth: int, start: float = 0.0) -> float:
    r"""Correlation between two inputs of the gradient that has passed back through `depth` layers.

    $$ R = \prod_{l=1}^L \frac{s_l + \kappa_0(\rho_{l-1})}{s_l + 1} $$

    with rho and s of `correlations`: kappa0 a layer in a feedforward network, (1 + kappa0) / 2 in a residual
    one without batch norm. Batch statistics count as constants, and the gradient above the last layer is
    the same for both inputs and of mean zero, independent of the gates, as that of a random linear output is.

    Args:
        network: "feedforward" or "residual" (with a branch scale beta = 1).
        normalisation: "none", "centred" or "batch-norm".
        depth: number of layers, or of residual blocks of one weight layer.
        start: correlation before the first layer's rectifiers.

    Raises:
        ValueError: an unknown network or normalisation, a negative depth, a start outside -1 .. 1.

    Source: derived here; Balduzzi et al. 2017, theorems 1 and 2, are the case of all rho = 0.

    >>> round(gradient_correlation("feedforward", "centred", depth=3), 6)  # theorem 1's 2^-3
    0.125
    """
    carried = _carried(network, normalisation, depth)
    gates = kappa0(correlations(network, normalisation, depth, start)[:-1])
    return float(np.prod((carried + gates) / (carried + 1)))


def _angle(correlation: ArrayLike) -> NDArray[np.float64]:
    """Angle whose cosine is the correlation."""
    values = np.asarray(correlation, dtype=float)
    outside = values[~(np.abs(values) <= 1)]
    if outside.size:
        raise ValueError(f"correlation must lie in -1 .. 1, not {outside[0]:g}")
    angle: NDArray[np.float64] = np.arccos(values)
    return angle


def _carried(network: str, normalisation: str, depth: int) -> NDArray[np.float64]:
    """Weight `(depth,)` of the skip in each layer, s_l of `correlations`."""
    if network not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}, not {network!r}")
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation must be one of {', '.join(NORMALISATIONS)}, not {normalisation!r}")
    if depth < 0:
        raise ValueError(f"depth must be at least 0, not {depth}")
    if network == "feedforward":
        return np.zeros(depth)
    growth = 1 - 1 / np.pi if normalisation == "batch-norm" else 0.0
    return 1 + growth * np.arange(depth, dtype=np.float64)
