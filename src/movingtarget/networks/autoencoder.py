"""Deep autoencoders: images squeezed through a code of a few units and reconstructed from it."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from movingtarget.networks.initialise import generator
from movingtarget.networks.layers import ACTIVATIONS, NORMALISATIONS, Linear


def autoencoder(
    pixels: int, hidden_widths: Sequence[int], activation: str = "tanh", normalisation: str = "none"
) -> nn.Sequential:
    """The uninitialised network pixels - widths - code - widths in reverse - pixels.

    Every layer is affine with a bias. The code, the last of `hidden_widths`, is linear; the outputs are
    logits, whose sigmoids are the pixels; all other layers are normalised, if at all, and activated.

    Source: Hinton & Salakhutdinov 2006; widths 1000, 500, 250, 30 in Amid, Anil & Warmuth 2022.

    >>> autoencoder(784, [1000, 30])
    Sequential(
      (0): Linear(in_features=784, out_features=1000, bias=True)
      (1): Tanh()
      (2): Linear(in_features=1000, out_features=30, bias=True)
      (3): Linear(in_features=30, out_features=1000, bias=True)
      (4): Tanh()
      (5): Linear(in_features=1000, out_features=784, bias=True)
    )
    """
    widths = [pixels, *hidden_widths, *reversed(hidden_widths[:-1]), pixels]
    linear = (len(hidden_widths) - 1, len(widths) - 2)
    parts: list[nn.Module] = []
    for place, (below, above) in enumerate(pairwise(widths)):
        layer = Linear(below, above)
        if place in linear:
            parts.append(layer)
        elif normalisation == "none":
            parts += [layer, ACTIVATIONS[activation]()]
        else:
            parts += [nn.Sequential(layer, NORMALISATIONS[normalisation](above)), ACTIVATIONS[activation]()]
    return nn.Sequential(*parts)


def initialise_glorot(network: nn.Module, seed: int) -> nn.Module:
    r"""Draw weights and biases of every affine layer, in place, and return the network.

    Uniform on $\pm\sqrt{6 / (n_{in} + n_{out})}$; of a bias of n units, for which Keras takes both numbers to
    be n, on $\pm\sqrt{3 / n}$.

    Source: Glorot & Bengio 2010, eq. 16; biases as in Amid, Anil & Warmuth 2022, the authors' notebook.
    """
    source = generator(seed, "weights")
    for layer in [part for part in network.modules() if isinstance(part, Linear)]:
        limit = (6 / (layer.in_features + layer.out_features)) ** 0.5
        with torch.no_grad():
            layer.weight.uniform_(-limit, limit, generator=source)
            layer.bias.uniform_(
                -((3 / layer.out_features) ** 0.5), (3 / layer.out_features) ** 0.5, generator=source
            )
    return network
