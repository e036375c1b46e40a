"""Mutual information between two layers through a Gaussian noise channel."""

import math
from typing import Literal

import torch
from torch import Tensor

Scaling = Literal["root-mean-square", "deviation"]


def read(layer: Tensor, noise: float, scaling: Scaling, generator: torch.Generator) -> Tensor:
    """Scale a layer to unit size, draw and add the channel's noise, and whiten what comes out.

    Without the noise the information of deterministic layers is infinite; without the scaling it would
    measure how large activations are.

    Args:
        layer: `(..., examples, units)`.
        noise: standard deviation of the noise, relative to the layer's size.
        scaling: what counts as a layer's size: the "root-mean-square" of its activations (a common
            offset of all examples then hides differences between them), or their standard "deviation".
        generator: draws the noise.

    Returns:
        `(..., examples, units)` with the identity as sample covariance; NaN (undefined) for a layer without
        any size.

    Raises:
        ValueError: not more examples than units.

    >>> draws = torch.Generator().manual_seed(0)
    >>> heard = read(torch.randn(50, 2, generator=draws), 0.1, "deviation", draws)
    >>> torch.allclose(heard.mT @ heard / 49, torch.eye(2, dtype=torch.double))
    True
    """
    examples, units = layer.shape[-2:]
    if examples <= units:
        raise ValueError(f"{units} units need more than {units} examples, got {examples}")
    noisy = _noisy(layer.double(), noise, scaling, generator)
    covariance = noisy.mT @ noisy / (examples - 1)
    factor, _ = torch.linalg.cholesky_ex(covariance)
    whitened: Tensor = torch.linalg.solve_triangular(factor.mT, noisy, upper=True, left=False)
    return whitened


def information(below: Tensor, above: Tensor) -> Tensor:
    r"""Mutual information, in nats, between two layers read through independent noise.

    With S the sample covariance of both noisy layers side by side,

    $$ I = \tfrac12 \left( \ln|S_x| + \ln|S_y| - \ln|S| \right) - (b_{d_x} + b_{d_y} - b_{d_x + d_y})
         = -\tfrac12 \ln|1 - C^T C| - \dots, $$

    where C is the cross-covariance of the whitened layers (its singular values are the canonical
    correlations), and $b_p = \tfrac12 \sum_{j=1}^{p} [\psi(\tfrac{n-j}{2}) + \ln \tfrac{2}{n-1}]$ half the
    bias of a log determinant: the estimate is unbiased for Gaussian layers. For others it is the information
    of the Gaussian pair with the same covariance, that is, of their linear relations.

    Args:
        below: `(..., examples, units)`, from `read`.
        above: the same examples, read through other noise.

    Returns:
        `(...)`, in nats.

    Raises:
        ValueError: not more examples than units of both layers together.

    Source: Hodas & Stinis 2018 for the question; Goldfeld et al. 2019 for the noise; Goodman 1963 and
    Misra et al. 2005 for the bias of a Gaussian log determinant.

    A Gaussian unit read twice through noise of half its size has correlation 0.8 with itself, which is
    -ln(1 - 0.8^2) / 2 = 0.51 nats:

    >>> draws = torch.Generator().manual_seed(0)
    >>> unit = torch.randn(10_000, 1, generator=draws)
    >>> below, above = (read(unit, 0.5, "deviation", draws) for _ in range(2))
    >>> round(information(below, above).item(), 1)
    0.5
    """
    examples, units = below.shape[-2], below.shape[-1] + above.shape[-1]
    if examples <= units:
        raise ValueError(f"{units} units need more than {units} examples, got {examples}")
    cross = below.mT @ above / (examples - 1)
    identity = torch.eye(above.shape[-1], dtype=cross.dtype)
    plug_in = -torch.logdet(identity - cross.mT @ cross) / 2
    bias = sum(_half_bias(size, examples) for size in (below.shape[-1], above.shape[-1]))
    return plug_in - (bias - _half_bias(units, examples))


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
