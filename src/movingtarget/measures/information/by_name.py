"""Mutual information of two layers as read through the noise channel, by any estimator."""

import pkgutil
from typing import Any

from torch import Tensor

from movingtarget.estimators import ESTIMATORS
from movingtarget.measures.information.channel import Scaling, noise_like, scaled
from movingtarget.measures.information.estimate import Estimate
from movingtarget.names import unknown
from movingtarget.networks.initialise import generator


def estimate(estimator: str, below: Tensor, above: Tensor, **settings: Any) -> Estimate:
    """What an estimator says of samples, by its name in `ESTIMATORS`, with the options that it has there.

    Raises:
        ValueError: an unknown estimator, and as the estimator.

    >>> import torch
    >>> estimate("alignment", torch.tensor([1.0, 2.0, 4.0]), torch.tensor([2.0, 4.0, 8.0])).value
    1.0
    """
    if estimator not in ESTIMATORS:
        raise ValueError(unknown("estimator", estimator, ESTIMATORS))
    known = ESTIMATORS[estimator]
    function: Any = pkgutil.resolve_name(known.function)
    return function(below, above, **known.options, **settings)  # type: ignore[no-any-return]


def information(
    below: Tensor,
    above: Tensor,
    estimator: str = "gaussian",
    noise: float = 0.1,
    scaling: Scaling = "deviation",
    seed: int = 0,
) -> Estimate:
    r"""Information between two layers, each scaled to unit size and read through Gaussian noise of its own.

    $$ I(x / |x| + \sigma e;\; y / |y| + \sigma e') $$

    Without noise it would be infinite, for layers are functions of those below.

    Args:
        below: `(examples, units)`.
        above: the same examples.
        estimator: a name in `ESTIMATORS`.
        noise: the standard deviation sigma, relative to a layer's size.
        scaling: what counts as a layer's size, as in `scaled`.
        seed: of the noise.

    Raises:
        ValueError: one line that says what is wrong, and what is allowed.

    Source: Goldfeld et al. 2019 for the noise; Hodas & Stinis 2018 for the question.

    >>> import torch
    >>> layer = torch.randn(10_000, 4, generator=torch.Generator().manual_seed(1))
    >>> round(information(layer, layer, noise=0.5).value, 1)  # -4 / 2 ln(1 - 0.8^2)
    2.0
    """
    if estimator not in ESTIMATORS:
        raise ValueError(unknown("estimator", estimator, ESTIMATORS))
    if not noise > 0:
        raise ValueError(f"noise is {noise}; allowed: a number above 0")
    clean = [scaled(layer, scaling) for layer in (below, above)]
    if ESTIMATORS[estimator].adds_noise:
        return estimate(estimator, *clean, noise=noise)
    noises = [noise_like(layer, generator(seed, f"noise {side}")) for side, layer in enumerate(clean)]
    return estimate(estimator, *(layer + noise * own for layer, own in zip(clean, noises, strict=True)))
