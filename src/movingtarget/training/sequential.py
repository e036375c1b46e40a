"""Layers moved one at a time: along one gradient, along gradients taken anew after each move, or in turn."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

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
    steps_done,
)
from movingtarget.training.simultaneous import backpropagation_cost, descend, gradients_of

Order = Literal["forward", "backward", "random"]


def stale_sequential(
    network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
) -> Outcome:
    r"""The gradient of a simultaneous step, applied to one layer after the other, bottom first.

    $$ W_i \leftarrow W_i - \eta \nabla_{W_i} L(W) \text{ at the old } W, \quad i = 1, \dots, k $$

    The control of the study of update orders: the order alone changes no bit of a step. Arguments, cost and
    errors are those of `simultaneous` and `chain`.
    """
    losses, gradients = gradients_of(network, parameters, batch)
    for link in chain(network):
        descend(parameters, {name: gradients[name] for name in link.names.values()}, learning_rates)
    return Outcome(parameters, memory, backpropagation_cost(network, batch.size), losses)


def recomputed(order: Order, fresh: bool = False) -> UpdateRule:
    r"""A sweep over the layers: each moves along its gradient at the weights that those before it left.

    $$ W_i \leftarrow W_i - \eta \nabla_{W_i} L(W) \text{ at the current } W, \quad
       i = \sigma(1), \dots, \sigma(k) $$

    Nothing is computed that no gradient needs: a layer's inputs are taken anew from the lowest layer moved
    since they were last, and the pass back ends at the layer's own parameters. The loss of the outcome is
    the first gradient's, at the weights before the step, whatever the order, so it costs nothing.

    Args:
        order: "forward" (bottom first), "backward", or "random": a new order in every step, the same for
            all members of the stack; it follows from the number of the step, kept in memory as "step".
        fresh: take each layer's gradient on examples of its own (forward order only). The batch of a step
            then holds k times as many, the first kth for the bottom layer and so on, and the loss of the
            outcome is that of the first kth. All inputs have to be computed anew for every layer.

    Raises ValueError for another order or a fresh sweep in it, and, when used, for a batch that does not
    divide into k parts and as `chain` does.
    """
    if order not in get_args(Order):
        raise ValueError(f"order of layers '{order}' is unknown; allowed: {', '.join(get_args(Order))}")
    if fresh and order != "forward":
        raise ValueError(f"a sweep with fresh examples for each layer goes forward, not {order}")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links = chain(network)
        places = _places(order, len(links), steps_done(memory))
        caches = _caches(batch, len(links)) if fresh else [_cache(batch)] * len(links)
        moves = [
            _move(links, place, parameters, cache, learning_rates)
            for place, cache in zip(places, caches, strict=True)
        ]
        counted = _counted(memory) if order == "random" else memory
        return Outcome(parameters, counted, _total(moves), moves[0].losses)

    return rule


def round_robin(
    network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
) -> Outcome:
    """One layer a step, bottom first, in turn; its gradient alone is computed.

    Arguments are those of `simultaneous`, but that the memory keeps the number of steps done as "step".
    Raises ValueError as `chain` does.
    """
    links = chain(network)
    move = _move(links, steps_done(memory) % len(links), parameters, _cache(batch), learning_rates)
    return Outcome(parameters, _counted(memory), _total([move]), move.losses)


class _Cache(NamedTuple):
    """Inputs of the lowest layers, as far as they are known at the current weights, and the labels."""

    inputs: list[Tensor]
    labels: Tensor


def _cache(batch: Batch) -> _Cache:
    """Nothing but the inputs of the bottom layer is known yet."""
    return _Cache([batch.inputs], batch.labels)


def _caches(batch: Batch, layers: int) -> list[_Cache]:
    """One for each layer, with as large a part of the batch of its own."""
    return [_cache(part) for part in batch.parts(layers)]


class _Move(NamedTuple):
    """Each member's loss before a layer moved, and the FLOPs spent on moving it."""

    losses: Tensor
    flops: float


def _move(
    links: Sequence[Link], place: int, parameters: Parameters, cache: _Cache, learning_rates: Tensor
) -> _Move:
    """Move one layer along its gradient at the current weights; the cache is filled up to its inputs."""
    size, above = cache.labels.shape[1], links[place:]
    unknown = links[len(cache.inputs) - 1 : place]
    for link in unknown:
        cache.inputs.append(propagate([link], parameters, cache.inputs[-1]))

    def losses_at(own: Parameters) -> Tensor:
        return member_losses(propagate(above, parameters | own, cache.inputs[place]), cache.labels)

    own = {name: parameters[name] for name in links[place].names.values()}
    losses, gradients = differentiate(losses_at, own)
    descend(parameters, gradients, learning_rates)
    del cache.inputs[place + 1 :]
    return _Move(losses, _forward(unknown, size) + _gradient_flops(above, size))


def _gradient_flops(links: Sequence[Link], batch_size: int) -> float:
    """Of the gradient of the lowest layer: through those above it, forward and back, and its own."""
    return backpropagation_cost(links[0].affine, batch_size).flops + 2 * _forward(links[1:], batch_size)


def _forward(links: Sequence[Link], batch_size: int) -> float:
    return sum(forward_flops(link.affine, batch_size) for link in links)


def _total(moves: Sequence[_Move]) -> Cost:
    return Cost(float(len(moves)), sum(move.flops for move in moves))


def _places(order: Order, layers: int, step: int) -> Sequence[int]:
    """The order in which a step moves its layers, counted from 0 at the bottom."""
    if order == "random":
        return torch.randperm(layers, generator=generator(step, "order of layers")).tolist()
    return range(layers) if order == "forward" else range(layers - 1, -1, -1)


def _counted(memory: Memory) -> Memory:
    return memory | {"step": steps_done(memory) + 1}
