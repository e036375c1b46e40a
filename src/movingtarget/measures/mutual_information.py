"""Mutual information between two layers through a Gaussian noise channel."""

import math
from typing import Literal

import torch
from torch import Tensor

Scaling = Literal["root-mean-square", "deviation"]


def channel_information(
    below: Tensor, above: Tensor, noise: float, scaling: Scaling, generator: torch.Generator
) -> Tensor:
    r"""Mutual information, in nats, between two layers that are both read through Gaussian noise.

    Each layer is scaled to unit size and noise of standard deviation `noise` is drawn and added to it. With
    S the sample covariance of both noisy layers side by side,

    $$ I = \tfrac12 \left( \ln|S_x| + \ln|S_y| - \ln|S| \right) - (b_{d_x} + b_{d_y} - b_{d_x + d_y}), $$

    where $b_p = \tfrac12 \sum_{j=1}^{p} [\psi(\tfrac{n-j}{2}) + \ln \tfrac{2}{n-1}]$ is half the bias of a
    log determinant: the estimate is unbiased for Gaussian layers. For others it is the information of the
    Gaussian pair with the same covariance, that is, of their linear relations.

    Without the noise the information of deterministic layers is infinite; without the scaling it would
    measure how large activations are.

    Args:
        below: `(..., examples, units)`.
        above: `(..., examples, units)`, of the same examples.
        noise: standard deviation of the noise, relative to the layer's size.
        scaling: what counts as a layer's size: the "root-mean-square" of its activations (a common
            offset of all examples then hides differences between them), or their standard "deviation".
        generator: draws the noise.

    Returns:
        `(...)`, in nats. NaN for a layer without any size (undefined).

    Raises:
        ValueError: not more examples than units of both layers together.

    Source: Hodas & Stinis 2018 for the question; Goldfeld et al. 2019 for the noise; Goodman 1963 and
    Misra et al. 2005 for the bias of a Gaussian log determinant.
    """
    examples, units = below.shape[-2], below.shape[-1] + above.shape[-1]
    if examples <= units:
        raise ValueError(f"{units} units need more than {units} examples, got {examples}")
    x, y = (_noisy(layer.double(), noise, scaling, generator) for layer in (below, above))
    both = torch.cat([x, y], -1)
    covariance = both.mT @ both / (examples - 1)
    split = x.shape[-1]
    blocks = covariance[..., :split, :split], covariance[..., split:, split:]
    plug_in = (torch.logdet(blocks[0]) + torch.logdet(blocks[1]) - torch.logdet(covariance)) / 2
    bias = sum(_half_bias(size, examples) for size in (split, units - split)) - _half_bias(units, examples)
    return plug_in - bias


def _noisy(layer: Tensor, noise: float, scaling: Scaling, generator: torch.Generator) -> Tensor:
    """The layer at unit size with noise added, its mean over examples removed."""
    offsets = layer - layer[..., :1, :]  # exactly zero where all examples agree; less their mean is not
    centred = offsets - offsets.mean(-2, keepdim=True)
    measured = layer if scaling == "root-mean-square" else centred
    size = measured.square().mean((-2, -1), keepdim=True).sqrt()
    drawn = torch.randn(layer.shape, generator=generator, dtype=layer.dtype)
    noisy = centred / size + noise * drawn
    return noisy - noisy.mean(-2, keepdim=True)


def _half_bias(units: int, examples: int) -> float:
    """Half the expected ln|S| - ln|Sigma| of a Gaussian sample covariance of `units` variables."""
    places = torch.arange(1, units + 1, dtype=torch.float64)
    terms = torch.digamma((examples - places) / 2) + math.log(2 / (examples - 1))
    return float(terms.sum() / 2)
