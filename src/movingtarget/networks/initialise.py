"""Random initialisation from a seed."""

import zlib
from typing import Literal

import torch
from torch import Tensor, nn

from movingtarget.networks.layers import Linear

Weights = Literal["normal", "orthogonal"]

GAINS = {"relu": 2.0, "crelu": 2.0, "tanh": 1.0, "sigmoid": 1.0, "linear": 1.0}


def generator(seed: int, purpose: str) -> torch.Generator:
    """A random generator of its own for each seed and purpose ("weights", "order", ...)."""
    # torch's generator keeps only 32 bits of its seed, so purpose and seed are hashed into those
    return torch.Generator().manual_seed(zlib.crc32(f"{purpose} {seed}".encode()))


def initialise(
    network: nn.Module,
    seed: int,
    activation: str,
    weights: Weights = "normal",
    mirrored: bool = False,
    random_biases: bool = False,
) -> nn.Module:
    r"""Draw the weights of every affine layer, in place, and return the network.

    The mean square of a weight is $g / \text{fan-in}$ with g = 2 for rectifiers (He et al. 2015, eq. 10), of
    which half the inputs are zero, and 1 for other activations and for the outer factor of a product of
    weights. Weights are normal and independent, or orthogonal: equal rows or columns of a random rotation
    (Saxe et al. 2014).

    Args:
        network: of layers of class Linear; those of one shape get equal weights from one seed.
        seed: of this network.
        activation: sets g.
        weights: "normal" or "orthogonal".
        mirrored: give every affine layer but the first weights (W, -W): after a CReLU it acts on
            (max(x, 0), max(-x, 0)) as W does on x, and the network "looks linear" (Balduzzi et al. 2017,
            section 4); so g = 1.
        random_biases: draw biases like normal weights (Balduzzi et al. 2017, figure 2); else they are zero.
    """
    source = generator(seed, "weights")
    layers = [part for part in network.modules() if isinstance(part, Linear)]
    for place, layer in enumerate(layers):
        gain = 1.0 if mirrored or not layer.activated else GAINS[activation]
        deviation = (gain / layer.in_features) ** 0.5
        with torch.no_grad():
            if mirrored and place > 0:
                _draw_mirrored(layer.weight, weights, source)
            else:
                _draw(layer.weight, deviation, weights, source)
        if layer.bias is None:
            continue
        if random_biases:
            nn.init.normal_(layer.bias, 0.0, deviation, source)
        else:
            nn.init.zeros_(layer.bias)
    return network


def _draw_mirrored(weight: Tensor, weights: Weights, source: torch.Generator) -> None:
    half = torch.empty(weight.shape[0], weight.shape[1] // 2, dtype=weight.dtype)
    _draw(half, half.shape[1] ** -0.5, weights, source)
    weight.copy_(torch.cat([half, -half], 1))


def _draw(weight: Tensor, deviation: float, weights: Weights, source: torch.Generator) -> None:
    if weights == "normal":
        nn.init.normal_(weight, 0.0, deviation, source)
    else:
        # the rows or columns of torch's have length 1, so an entry's mean square is 1 / the longer side
        nn.init.orthogonal_(weight, deviation * max(weight.shape) ** 0.5, source)
