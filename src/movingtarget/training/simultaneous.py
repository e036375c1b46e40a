"""Backpropagation as everybody uses it: one gradient at the current weights moves all layers at once."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.networks.stack import Parameters, call
from movingtarget.training.rule import Batch, Cost, Outcome, forward_flops, input_gradient_flops


def simultaneous(
    network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
) -> Outcome:
    r"""One step of stochastic gradient descent, $W \leftarrow W - \eta \nabla_W L$, for every member.

    Args:
        network: any module whose layers take stacked parameters, in training mode.
        parameters: of the stack; updated in place.
        batch: one minibatch for each member.
        memory: unused; this rule has none.
        learning_rates: `(members,)`.
    """
    losses, gradients = gradients_of(network, parameters, batch)
    descend(parameters, gradients, learning_rates)
    return Outcome(parameters, memory, backpropagation_cost(network, batch.labels.shape[-1]), losses)


def backpropagation_cost(network: nn.Module, batch_size: int) -> Cost:
    """Of one forward pass, one gradient of every parameter and a step along it."""
    forward, first = forward_flops(network, batch_size), input_gradient_flops(network, batch_size)
    return Cost(1.0, 3 * forward - first)


def gradients_of(network: nn.Module, parameters: Parameters, batch: Batch) -> tuple[Tensor, Parameters]:
    """Each member's loss, `(members,)`, and its gradient with respect to every parameter, by name."""
    return differentiate(
        lambda leaves: member_losses(call(network, leaves, batch.inputs), batch.labels), parameters
    )


def differentiate(
    losses_at: Callable[[Parameters], Tensor], parameters: Parameters
) -> tuple[Tensor, Parameters]:
    """Losses `(members,)` as a function of a stack's parameters, and their gradients, by name."""
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    with torch.enable_grad():
        losses = losses_at(leaves)
        # members share no parameter, so the gradient of the sum holds each one's own
        gradients = torch.autograd.grad(losses.sum(), list(leaves.values()))
    return losses.detach(), dict(zip(leaves, gradients, strict=True))


@torch.no_grad()
def descend(parameters: Parameters, gradients: Parameters, learning_rates: Tensor) -> None:
    """Move in place those parameters that have a gradient: W - rate x gradient, rates `(members,)`."""
    for name, gradient in gradients.items():
        rates = learning_rates.view(-1, *[1] * (gradient.dim() - 1))
        parameters[name].addcmul_(gradient, rates, value=-1.0)


def member_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy (nats) of each member: logits `(..., batch, classes)` -> `(...)`."""
    losses = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
    return losses.view(labels.shape).mean(-1)
