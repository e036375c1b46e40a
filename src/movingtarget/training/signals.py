"""What backpropagation brings to every layer: its input, its pre-activation and the error there."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from movingtarget.networks.chain import Link, pre_activation
from movingtarget.networks.layers import Linear
from movingtarget.networks.losses import member_losses
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import forward_flops


class Signal(NamedTuple):
    """Of a minibatch at one layer; every tensor `(members, batch, units)`.

    Attributes:
        inputs: x of the layer.
        pre_activations: a, what its affine map makes of x.
        errors: e, the gradient of the member's mean loss with respect to a.
    """

    inputs: Tensor
    pre_activations: Tensor
    errors: Tensor


def signals_of(
    links: Sequence[Link], parameters: Parameters, inputs: Tensor, labels: Tensor
) -> tuple[Tensor, list[Signal]]:
    r"""Each member's loss, `(members,)`, and x, a and $e = \partial L / \partial a$ of every layer.

    One pass forward and one backward, without any gradient of a parameter: the products of two passes
    forward, less those of the first layer.

    Args:
        links: the network's layers, from `chain`.
        parameters: of the stack.
        inputs: `(members, batch, features)`.
        labels: as in `member_losses`.

    Raises:
        ValueError: a layer has no bias.
    """
    _check_biases(links)
    constants = {name: value.detach() for name, value in parameters.items()}
    with torch.enable_grad():
        # with a history from the first layer on, which no gradient goes through
        layer_inputs, pre_activations = [inputs.detach().requires_grad_()], list[Tensor]()
        for link in links:
            pre_activations.append(pre_activation(link, constants, layer_inputs[-1]))
            layer_inputs.append(link.transfer(pre_activations[-1]))
        losses = member_losses(layer_inputs[-1], labels)
        errors = torch.autograd.grad(losses.sum(), pre_activations)
    signals = zip(layer_inputs[:-1], pre_activations, errors, strict=True)
    return losses.detach(), [Signal(*(value.detach() for value in signal)) for signal in signals]


def signals_flops(links: Sequence[Link], batch_size: int) -> float:
    """Matrix-product FLOPs of one member's pass forward, and of its pass backward through all but layer 1."""
    flops = [forward_flops(link.affine, batch_size) for link in links]
    return 2 * sum(flops) - flops[0]


def _check_biases(links: Sequence[Link]) -> None:
    for link in links:
        if isinstance(link.affine, Linear) and link.affine.bias is None:
            raise ValueError(
                f"layer {link.names['weight']} has no bias; allowed: layers with weights and a bias"
            )
