"""Mutual information of two layers as read through the noise channel, by any estimator."""

import pkgutil
from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from movingtarget.estimators import ESTIMATORS, Estimator
from movingtarget.measures.mutual_information.channel import Scaling, noise_like, scaled
from movingtarget.measures.mutual_information.estimate import Estimate, positive, samples
from movingtarget.measures.mutual_information.pairwise import pairwise
from movingtarget.names import unknown
from movingtarget.networks.initialise import generator

BOUNDS = ("pairwise-lower", "pairwise-upper")
"""The estimators that are one computation."""


def estimate(
    estimator: str, below: ArrayLike | Tensor, above: ArrayLike | Tensor, **settings: Any
) -> Estimate:
    """What an estimator says of samples, by its name in `ESTIMATORS`, with the options that it has there.

    Raises:
        ValueError: an unknown estimator, and as the estimator.

    >>> import torch
    >>> estimate("alignment", [1.0, 2.0, 4.0], torch.tensor([2.0, 4.0, 8.0])).value
    1.0
    """
    known = _known(estimator)
    function: Any = pkgutil.resolve_name(known.function)
    return function(below, above, **known.options, **settings)  # type: ignore[no-any-return]


def information_through_noise(
    below: ArrayLike | Tensor,
    above: ArrayLike | Tensor,
    estimator: str = "gaussian",
    noise: float = 0.1,
    scaling: Scaling = "deviation",
    seed: int = 0,
) -> Estimate:
    r"""Information between two layers, each scaled to unit size and read through Gaussian noise of its own.

    $$ I(x / |x| + \sigma e;\; y / |y| + \sigma e') $$

    Without noise it would be infinite, for layers are functions of those below. Units that are the same for
    all examples are left out first.

    Args:
        below: `(examples, units)`, as `samples` takes them.
        above: the same examples.
        estimator: a name in `ESTIMATORS`.
        noise: the standard deviation sigma, relative to a layer's size.
        scaling: what counts as a layer's size, as in `scaled`.
        seed: of the noise.

    Raises:
        ValueError: one line that says what is wrong, and what is allowed.

    Source: Goldfeld et al. 2019 for the noise; Hodas & Stinis 2018 for the question.

    >>> import math, torch
    >>> layer = torch.randn(10_000, 4, generator=torch.Generator().manual_seed(1))
    >>> found = information_through_noise(layer, layer, noise=0.5)
    >>> abs(found.value + 4 / 2 * math.log(1 - 0.8**2)) < 0.05  # the same Gaussian units read twice
    True
    """
    return estimates([estimator], below, above, noise, scaling, generator(seed, "noise"))[estimator]


def estimates(
    names: Sequence[str],
    below: ArrayLike | Tensor,
    above: ArrayLike | Tensor,
    noise: float,
    scaling: Scaling,
    generator: torch.Generator,
) -> dict[str, Estimate]:
    """What several estimators say of the same layers with the same noise; see `information`.

    Args:
        names: in `ESTIMATORS`.
        below: `(examples, units)`, as `samples` takes them.
        above: the same examples.
        noise: the standard deviation sigma, relative to a layer's size.
        scaling: what counts as a layer's size, as in `scaled`.
        generator: draws the noise, of the layer below first.

    Raises:
        ValueError: one line that says what is wrong, and what is allowed.
    """
    positive("noise", noise)
    first, second = (scaled(layer, scaling) for layer in samples(below, above))
    drawn = noise_like(first, generator), noise_like(second, generator)
    return estimates_through(names, (first, second), drawn, noise)


def estimates_through(
    names: Sequence[str], clean: tuple[Tensor, Tensor], drawn: tuple[Tensor, Tensor], noise: float
) -> dict[str, Estimate]:
    """The same of layers at unit size, with standard normal noise that is drawn already."""
    for name in names:
        _known(name)
    noisy = [layer + noise * own for layer, own in zip(clean, drawn, strict=True)]
    bounds = dict(zip(BOUNDS, pairwise(*clean, noise), strict=True)) if {*names} & {*BOUNDS} else {}
    return {name: bounds[name] if name in bounds else estimate(name, *noisy) for name in names}


def _known(estimator: Any) -> Estimator:
    if not isinstance(estimator, str) or estimator not in ESTIMATORS:
        raise ValueError(unknown("estimator", estimator, ESTIMATORS))
    return ESTIMATORS[estimator]
