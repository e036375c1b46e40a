"""A random subset of the layers moves in each step."""

from typing import Literal

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain, propagate
from movingtarget.networks.initialise import generator
from movingtarget.networks.losses import differentiate, member_losses
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import (
    Batch,
    Cost,
    Memory,
    Outcome,
    UpdateRule,
    forward_flops,
    input_gradient_flops,
    steps_done,
)
from movingtarget.training.muon import descend_along_momentum, orthogonalisation_flops
from movingtarget.training.simultaneous import descend

SHARE = 0.5
"""Of the layers, on average, that move in a step."""


def random_subset(direction: Literal["gradient", "muon"] = "gradient") -> UpdateRule:
    r"""A step of some layers only, drawn anew each time; the others stand still.

    $$ W_i \leftarrow W_i - \eta D_i \; (i \in A_t), \quad D_i = \nabla_{W_i} L(W) \text{ or Muon's} $$

    Each layer is in $A_t$ with probability 1/2, all members' alike; an empty draw becomes a single layer.
    Gradients are computed of the layers that move, and backpropagation ends at the lowest of them. Muon's
    momentum of a layer gathers the gradients of the steps that move it.

    Memory keeps the number of steps as "step", which the draws follow from, and Muon's momenta.

    Source: after the abstract of Gruntkowska et al. 2025 (Drop-Muon, arXiv 2510.02239), whose text and
    schedule were not to be had: the independent draw is ours.
    """
    if direction not in ("gradient", "muon"):
        raise ValueError(f"direction '{direction}' is unknown; allowed: gradient, muon")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links, done = chain(network), steps_done(memory)
        active = drawn_layers(len(links), done)
        names = [name for place in active for name in links[place].names.values()]
        losses, gradients = _gradients(links, active[0], names, parameters, batch)
        cost = _cost(links, active, batch.size)
        counted = memory | {"step": done + 1}
        if direction == "gradient":
            descend(parameters, gradients, learning_rates)
            return Outcome(parameters, counted, cost, losses)
        counted |= descend_along_momentum(parameters, gradients, memory, learning_rates)
        flops = cost.flops + orthogonalisation_flops(gradients)
        return Outcome(parameters, counted, cost._replace(flops=flops), losses)

    return rule


def drawn_layers(layers: int, step: int) -> list[int]:
    """The layers that move in a step, counted from 0 at the bottom, ascending.

    >>> [drawn_layers(4, step) for step in range(3)] == [drawn_layers(4, step) for step in range(3)]
    True
    """
    source = generator(step, "subset of layers")
    chosen = (torch.rand(layers, generator=source) < SHARE).nonzero().flatten().tolist()
    return chosen or [int(torch.randint(layers, (), generator=source))]


def _gradients(
    links: list[Link], lowest: int, names: list[str], parameters: Parameters, batch: Batch
) -> tuple[Tensor, Parameters]:
    """Losses before the step, and the gradients of the parameters so named."""
    with torch.no_grad():
        inputs = propagate(links[:lowest], parameters, batch.inputs)

    def losses_at(own: Parameters) -> Tensor:
        return member_losses(propagate(links[lowest:], parameters | own, inputs), batch.labels)

    return differentiate(losses_at, {name: parameters[name] for name in names})


def _cost(links: list[Link], active: list[int], batch_size: int) -> Cost:
    """A forward pass, one back to the lowest layer that moves, and the gradients of those that do."""
    forward = [forward_flops(link.affine, batch_size) for link in links]
    back = sum(forward[active[0] + 1 :])
    first = links[active[0]].affine
    back += forward[active[0]] - input_gradient_flops(first, batch_size)
    return Cost(1.0, sum(forward) + back + sum(forward[place] for place in active))
