"""Random initialisation from a seed."""

import zlib

import torch
from torch import nn

from movingtarget.networks.layers import Linear

GAINS = {"relu": 2.0, "tanh": 1.0, "sigmoid": 1.0}


def generator(seed: int, purpose: str) -> torch.Generator:
    """A random generator of its own for each seed and purpose ("weights", "order", ...)."""
    # torch's generator keeps only 32 bits of its seed, so purpose and seed are hashed into those
    return torch.Generator().manual_seed(zlib.crc32(f"{purpose} {seed}".encode()))


def initialise(network: nn.Module, seed: int, activation: str, random_biases: bool = False) -> nn.Module:
    r"""Draw every affine layer's weights from a normal distribution, in place, and return the network.

    $$ W_{ij} \sim \mathcal{N}(0, g / \text{fan-in}) $$ with g = 2 for rectifiers (He et al. 2015, eq. 10)
    and 1 for tanh and sigmoid. Biases are zero, or drawn like the weights if `random_biases` (Balduzzi et
    al. 2017, figure 2). Networks with equal affine layers get equal weights from one seed.
    """
    source = generator(seed, "weights")
    for layer in network.modules():
        if isinstance(layer, Linear):
            deviation = (GAINS[activation] / layer.in_features) ** 0.5
            nn.init.normal_(layer.weight, 0.0, deviation, source)
            if random_biases:
                nn.init.normal_(layer.bias, 0.0, deviation, source)
            else:
                nn.init.zeros_(layer.bias)
    return network
