"""Training with layers that stand still: one after the other, bottom first, or the lowest for a time."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain, propagate
from movingtarget.networks.losses import differentiate, member_losses
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import (
    Batch,
    Cost,
    Memory,
    Outcome,
    UpdateRule,
    forward_flops,
    steps_done,
)
from movingtarget.training.simultaneous import backpropagation_cost, descend


def freeze_in_order(steps: int) -> UpdateRule:
    """Gradient descent in which layer l of k moves only during the first `steps` x l / k steps.

    The output layer, l = k, moves to the end. No gradient of a frozen layer is computed; its batch norm goes
    on using the statistics of the batch. The memory counts the steps. Raises ValueError for `steps` below 1.

    Source: Raghu et al. 2017 (SVCCA), "freeze training".
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; allowed: at least 1")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links, done = chain(network), steps_done(memory)
        frozen = min(done * len(links) // steps, len(links) - 1)
        losses, cost = descend_above(links, frozen, parameters, batch, learning_rates)
        return Outcome(parameters, {"step": done + 1}, cost, losses)

    return rule


def train_last_layer(
    network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
) -> Outcome:
    """One step of gradient descent of the output layer alone; all below it stand still."""
    links = chain(network)
    losses, cost = descend_above(links, len(links) - 1, parameters, batch, learning_rates)
    return Outcome(parameters, memory, cost, losses)


def freeze_lowest(layers: int, moving: range = range(0)) -> UpdateRule:
    """Gradient descent in which the lowest layers stand still, but for the steps in `moving`.

    No gradient of a frozen layer is computed; its batch norm goes on using the statistics of the batch. The
    memory counts the steps, from 0.

    Args:
        layers: how many stand still, of which the output layer, moving always, is none.
        moving: the steps in which they move all the same: none, the first ones or the last ones.

    Raises:
        ValueError: `layers` is negative or, when used, as many as the network has.
    """
    if layers < 0:
        raise ValueError(f"layers is {layers}; allowed: at least 0")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links, done = chain(network), steps_done(memory)
        if layers >= len(links):
            raise ValueError(f"layers is {layers}; allowed: 0 to {len(links) - 1}, all but the output layer")
        frozen = 0 if done in moving else layers
        losses, cost = descend_above(links, frozen, parameters, batch, learning_rates)
        return Outcome(parameters, {"step": done + 1}, cost, losses)

    return rule


def descend_above(
    links: Sequence[Link], frozen: int, parameters: Parameters, batch: Batch, learning_rates: Tensor
) -> tuple[Tensor, Cost]:
    """One step of gradient descent, in place, of all but the lowest `frozen` layers of a chain.

    Returns the members' losses before the step, and its cost: the frozen layers have a forward pass only.
    """
    below, moving = links[:frozen], links[frozen:]
    with torch.no_grad():
        inputs = propagate(below, parameters, batch.inputs)
    own = {name: parameters[name] for link in moving for name in link.names.values()}
    losses, gradients = differentiate(
        lambda leaves: member_losses(propagate(moving, leaves, inputs), batch.labels), own
    )
    descend(parameters, gradients, learning_rates)
    size = batch.size
    cost = backpropagation_cost(_affine_parts(moving), size)
    return losses, cost._replace(flops=cost.flops + forward_flops(_affine_parts(below), size))


def _affine_parts(links: Sequence[Link]) -> nn.ModuleList:
    return nn.ModuleList(link.affine for link in links)
