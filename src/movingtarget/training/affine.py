"""Weights and bias of linear layers as one matrix, applied to inputs that end with a one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain
from movingtarget.networks.layers import Linear
from movingtarget.networks.stack import Parameters


def linear_layers(network: nn.Module) -> list[Link]:
    """The layers of a network, as in `chain`, each of which is `Linear`.

    Raises:
        ValueError: a layer that is not, or what `chain` raises.
    """
    links = chain(network)
    for place, link in enumerate(links):
        if type(link.affine) is not Linear:  # a convolution is one, but at many places
            kind = type(link.affine).__name__
            raise ValueError(
                f"layer {place} ({', '.join(link.names.values())}) is {kind}; allowed: Linear alone"
            )
    return links


def sizes_of(links: Sequence[Link]) -> list[tuple[int, int]]:
    """Of each layer's joint matrix: inputs, the one included, and outputs."""
    layers = [link.affine for link in links]
    return [(layer.in_features + 1, layer.out_features) for layer in layers if isinstance(layer, Linear)]


def with_ones(inputs: Tensor) -> Tensor:
    """[x, 1] of each example: `(..., batch, features)` -> `(..., batch, features + 1)`.

    >>> with_ones(torch.tensor([[2.0, 3.0]]))
    tensor([[2., 3., 1.]])
    """
    return torch.cat([inputs, inputs.new_ones(*inputs.shape[:-1], 1)], -1)


def move(parameters: Parameters, link: Link, direction: Tensor, learning_rates: Tensor) -> None:
    """W - rate x direction and b likewise, in place.

    Args:
        parameters: of the stack.
        link: the layer that moves.
        direction: `(members, out, in + 1)`, the bias's last.
        learning_rates: `(members,)`.
    """
    rates = learning_rates[:, None, None]
    parameters[link.names["weight"]].addcmul_(direction[..., :-1], rates, value=-1.0)
    parameters[link.names["bias"]].addcmul_(direction[..., -1], rates[..., 0], value=-1.0)
