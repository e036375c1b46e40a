"""The noise channel through which deterministic layers are read, lest their information be infinite."""

from typing import Literal, get_args

import torch
from torch import Tensor

from movingtarget.names import unknown

Scaling = Literal["root-mean-square", "deviation"]


def scaled(layer: Tensor, scaling: Scaling) -> Tensor:
    """A layer at unit size, its mean over examples removed, in float64.

    Without the scaling, information would measure how large activations are.

    Args:
        layer: `(examples, units)`.
        scaling: what counts as a layer's size: the "root-mean-square" of its activations (a common offset of
            all examples then hides differences between them), or their standard "deviation".

    Returns:
        `(examples, units)`; NaN (undefined) for a layer that is the same for all examples.

    Raises:
        ValueError: an unknown scaling.

    >>> scaled(torch.tensor([[3.0], [5.0]]), "deviation").tolist()
    [[-1.0], [1.0]]
    """
    if scaling not in get_args(Scaling):
        raise ValueError(unknown("scaling", scaling, get_args(Scaling)))
    layer = layer.double()
    offsets = layer - layer[:1]  # exactly zero where all examples agree; less their mean is not
    centred = offsets - offsets.mean(0)
    measured = layer if scaling == "root-mean-square" else centred
    largest = measured.abs().max()  # taken out first, for the square of a tiny value is zero
    size = (measured / largest).square().mean().sqrt()
    return centred / largest / size if centred.any() else torch.full_like(centred, torch.nan)


def noise_like(layer: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise of a layer's shape, in float64: times its deviation, what a channel adds."""
    # in single precision, six times as fast
    drawn = torch.randn(layer.shape, generator=generator, device=generator.device, dtype=torch.float)
    return drawn.double().to(layer.device)
