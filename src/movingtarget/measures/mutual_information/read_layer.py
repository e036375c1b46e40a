"""Layers that have been read through noise, and the information between them."""

from math import nan
from typing import Any, NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from movingtarget.measures.mutual_information.by_name import estimates_through
from movingtarget.measures.mutual_information.channel import Scaling, noise_like, scaled
from movingtarget.measures.mutual_information.estimate import Estimate, not_negative, positive, sample


class ReadLayer(NamedTuple):
    """A layer at unit size, and what reads it: `(examples, units)` each, in float64.

    Attributes:
        clean: without noise; units that are the same for all examples are left out.
        drawn: standard normal noise.
        noise: the standard deviation of the noise that reads it: what is read is clean + noise * drawn.
    """

    clean: Tensor
    drawn: Tensor
    noise: float


def read(layer: ArrayLike | Tensor, noise: float, scaling: Scaling, generator: torch.Generator) -> ReadLayer:
    r"""A layer scaled to unit size, with the noise that it is read through, $x / |x| + \sigma e$.

    Args:
        layer: `(examples, units)`, as `sample` takes it. It is read on the CPU; one on device meta, which
            holds no values, stays there.
        noise: the standard deviation sigma, relative to the layer's size.
        scaling: what counts as its size, as in `scaled`.
        generator: draws the noise.

    Raises:
        ValueError: one line that says what is wrong, and what is allowed.

    >>> found = read([[3.0], [5.0]], 0.1, "deviation", torch.Generator())
    >>> found.clean.tolist(), found.drawn.shape
    ([[-1.0], [1.0]], torch.Size([2, 1]))
    """
    if isinstance(layer, Tensor) and layer.is_meta:
        empty = torch.empty_like(layer, dtype=torch.double)
        return ReadLayer(empty, empty.clone(), positive("noise", noise))
    clean = scaled(sample("layer", layer), scaling)
    return ReadLayer(clean, noise_like(clean, generator), positive("noise", noise))


def information(below: ReadLayer, above: ReadLayer, estimator: str = "gaussian") -> Estimate:
    """Information between two layers that have been read through noise; without it it would be infinite.

    Args:
        below: from `read`, through noise of its own.
        above: the same examples, through as much noise of its own.
        estimator: a name in `ESTIMATORS`.

    Returns:
        The estimate; one that is less than zero, as it is by chance alone, is zero. NaN for layers on device
        meta, which holds no values.

    Raises:
        ValueError: a layer has not been read, or one line that says what else is wrong, and what is allowed.

    >>> generator = torch.Generator().manual_seed(0)
    >>> layer = torch.randn(10_000, 2, generator=generator)
    >>> once, again = (read(layer, 0.5, "deviation", generator) for _ in range(2))
    >>> round(information(once, again).value, 1)  # -ln(1 - 0.8^2): the same Gaussian units read twice
    1.0
    """
    if any(_without_values(layer) for layer in (below, above)):
        return Estimate(nan, nan, nan, saturated=False)
    for name, layer in {"below": below, "above": above}.items():
        if not isinstance(layer, ReadLayer):
            kind = type(layer).__name__
            raise ValueError(f"{name} is {kind}; allowed: a layer read through noise, as `read` gives it")
    if len(below.clean) != len(above.clean):
        counts = f"below has {len(below.clean)} examples and above {len(above.clean)}"
        raise ValueError(f"{counts}; allowed: the same examples in both")
    if below.noise != above.noise:
        noises = f"below is read through noise {below.noise} and above {above.noise}"
        raise ValueError(f"{noises}; allowed: as much noise for both")
    if below.drawn is above.drawn:
        raise ValueError("below and above share their noise; allowed: layers read apart, each by its own")
    found = estimates_through(
        [estimator], (below.clean, above.clean), (below.drawn, above.drawn), below.noise
    )
    return not_negative(found[estimator])


def _without_values(layer: Any) -> bool:
    held = layer.clean if isinstance(layer, ReadLayer) else layer
    return isinstance(held, Tensor) and held.is_meta
