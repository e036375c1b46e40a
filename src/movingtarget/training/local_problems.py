"""A layer's own problem while its inputs and its target stay fixed: the gradient of its local loss."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Literal

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link, pre_activation
from movingtarget.networks.layers import ConcatenatedReLU, Linear
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import backpropagation_flops, forward_flops
from movingtarget.training.signals import Signal

Transfer = Callable[[Tensor], Tensor]
"""What is made of pre-activations, maybe in their own memory."""

GradientAt = Callable[[Parameters], Parameters]
"""The gradient of a layer's local loss at its parameters, both by the network's names."""

MATCHED = (nn.Identity, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Softplus, nn.Tanh, nn.Sigmoid, nn.Softmax)
"""Transfers that are the gradient of a convex function, whose Bregman divergence is their matching loss."""

IN_PLACE: dict[type[nn.Module], Transfer] = {
    nn.ReLU: torch.relu_,
    nn.Tanh: torch.tanh_,
    nn.Sigmoid: torch.sigmoid_,
}


def matched_transfers(links: Sequence[Link], labels: Tensor) -> list[Transfer]:
    """What the matching loss of every layer compares with its target.

    That is the layer's transfer; the identity for CReLU; at the output layer, what turns logits into
    probabilities, softmax for classes or the sigmoid for images.

    Raises:
        ValueError: a transfer has no matching loss.
    """
    probabilities = torch.sigmoid_ if labels.dim() == 3 else _softmax
    top = links[-1].transfer
    _check_matched(top, len(links) - 1)
    hidden = [_matched(link.transfer, place) for place, link in enumerate(links[:-1])]
    return [*hidden, lambda a: probabilities(top(a))]


def problem_of(
    link: Link,
    parameters: Parameters,
    signal: Signal,
    gamma: float,
    iterations: int,
    transfer: Transfer | None,
) -> GradientAt:
    r"""The local gradient $\sum_b x_b (f(a_b) - t_b)^T$, to be asked for T times in the course of descent.

    Args:
        link: the layer.
        parameters: the network's at the start, where $f(a) - t = \gamma e$ exactly.
        signal: x, and a and e at the start.
        gamma: of the targets.
        iterations: T.
        transfer: f of the matching loss, or None for the squared one.
    """
    change = gamma * signal.errors
    if type(link.affine) is not Linear:
        return _by_autograd(link, signal, change, transfer or _identity)
    if transfer is None and _gram_is_cheaper(link.affine, change.shape[-2], iterations):
        return _by_gram(link, parameters, signal.inputs, change)
    return _by_residual(link, signal, change, transfer or _identity)


def local_flops(link: Link, batch_size: int, iterations: int, loss: Literal["matching", "squared"]) -> float:
    """Matrix-product FLOPs of one member's local gradients, at the start and at T - 1 other points."""
    if type(link.affine) is not Linear:
        return iterations * backpropagation_flops(link.affine, batch_size)
    if loss == "squared" and _gram_is_cheaper(link.affine, batch_size, iterations):
        return _gram_flops(link.affine, batch_size, iterations)
    return (2 * iterations - 1) * forward_flops(link.affine, batch_size)


def _by_residual(link: Link, signal: Signal, change: Tensor, transfer: Transfer) -> GradientAt:
    targets, at_start = _targets(signal, change, transfer), [change]
    weight, bias = link.names["weight"], link.names["bias"]

    def gradient_at(own: Parameters) -> Parameters:
        if at_start:
            return _of_linear(link, signal.inputs, at_start.pop())
        reached = (own[weight] @ signal.inputs.mT).add_(own[bias][..., None]).mT
        residual = transfer(reached).sub_(targets)
        return _of_linear(link, signal.inputs, residual)

    return gradient_at


def _by_autograd(link: Link, signal: Signal, change: Tensor, transfer: Transfer) -> GradientAt:
    """For a layer that normalises, convolves or adds to a stream: it has no closed form as short."""
    targets, at_start = _targets(signal, change, transfer), [change]

    def gradient_at(own: Parameters) -> Parameters:
        leaves = {name: own[name].detach().requires_grad_() for name in link.names.values()}
        with torch.enable_grad():
            reached = pre_activation(link, leaves, signal.inputs)
        residual = at_start.pop() if at_start else transfer(reached.detach()).sub_(targets)
        gradients = torch.autograd.grad(reached, list(leaves.values()), residual)
        return dict(zip(leaves, gradients, strict=True))

    return gradient_at


def _by_gram(link: Link, parameters: Parameters, inputs: Tensor, change: Tensor) -> GradientAt:
    r"""Of the squared loss, $G_0 + (W - W_0) X^T X$: no example is looked at again, and no target.

    The difference keeps digits that $W X^T X - T^T X$ would lose.
    """
    weight, bias = link.names["weight"], link.names["bias"]
    start = {name: parameters[name].clone() for name in (weight, bias)}
    first = _of_linear(link, inputs, change)
    gram, sums, at_start = inputs.mT @ inputs, inputs.sum(-2), [first]

    def gradient_at(own: Parameters) -> Parameters:
        if at_start:
            return at_start.pop()
        moved, shifted = own[weight] - start[weight], own[bias] - start[bias]
        of_weight = torch.baddbmm(first[weight], moved, gram).addcmul_(shifted[..., None], sums[:, None])
        of_bias = first[bias] + (moved @ sums[..., None]).squeeze(-1) + inputs.shape[-2] * shifted
        return {weight: of_weight, bias: of_bias}

    return gradient_at


def _targets(signal: Signal, change: Tensor, transfer: Transfer) -> Tensor:
    return transfer(signal.pre_activations.clone()).sub_(change)


def _of_linear(link: Link, inputs: Tensor, residual: Tensor) -> Parameters:
    """The gradient of weights and bias of a linear layer, examples summed, in closed form."""
    return {link.names["weight"]: residual.mT @ inputs, link.names["bias"]: residual.sum(-2)}


def _gram_is_cheaper(layer: Linear, batch_size: int, iterations: int) -> bool:
    by_residual = (2 * iterations - 1) * forward_flops(layer, batch_size)
    return _gram_flops(layer, batch_size, iterations) < by_residual


def _gram_flops(layer: Linear, batch_size: int, iterations: int) -> float:
    weights = 2.0 * layer.in_features * layer.out_features
    gram = 2.0 * batch_size * layer.in_features**2
    return weights * batch_size + gram + (iterations - 1) * weights * (layer.in_features + 1)


def _matched(transfer: nn.Module, place: int) -> Transfer:
    if any(isinstance(part, ConcatenatedReLU) for part in transfer.modules()):
        return _identity
    _check_matched(transfer, place)
    return _overwriting(transfer)


def _overwriting(transfer: nn.Module) -> Transfer:
    if isinstance(transfer, nn.Sequential):
        parts = [_overwriting(part) for part in transfer]
        return lambda values: reduce(lambda value, part: part(value), parts, values)
    return IN_PLACE.get(type(transfer), transfer)


def _check_matched(transfer: nn.Module, place: int) -> None:
    for part in transfer.modules():
        if not isinstance(part, (*MATCHED, nn.Sequential)):
            allowed = ", ".join(kind.__name__ for kind in MATCHED)
            raise ValueError(
                f"layer {place}: {type(part).__name__} has no matching loss; allowed in LocoProp-M: "
                f"{allowed}, CReLU"
            )


def _identity(pre_activations: Tensor) -> Tensor:
    return pre_activations


def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(-1)
