"""Backpropagation as everybody uses it: one gradient at the current weights moves all layers at once."""

import torch
from torch import Tensor, nn

from movingtarget.networks.losses import differentiate, member_losses
from movingtarget.networks.stack import Parameters, call
from movingtarget.training.interface import Batch, Cost, Outcome, backpropagation_flops


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
    return Outcome(parameters, memory, backpropagation_cost(network, batch.size), losses)


def backpropagation_cost(network: nn.Module, batch_size: int) -> Cost:
    """Of one forward pass, one gradient of every parameter and a step along it."""
    return Cost(1.0, backpropagation_flops(network, batch_size))


def gradients_of(network: nn.Module, parameters: Parameters, batch: Batch) -> tuple[Tensor, Parameters]:
    """Each member's loss, `(members,)`, and its gradient with respect to every parameter, by name."""
    return differentiate(
        lambda leaves: member_losses(call(network, leaves, batch.inputs), batch.labels), parameters
    )


@torch.no_grad()
def descend(parameters: Parameters, gradients: Parameters, learning_rates: Tensor) -> None:
    """Move in place those parameters that have a gradient: W - rate x gradient, rates `(members,)`."""
    for name, gradient in gradients.items():
        rates = learning_rates.view(-1, *[1] * (gradient.dim() - 1))
        parameters[name].addcmul_(gradient, rates, value=-1.0)
