"""What a step of each layer alone does: to the outputs for other inputs, and to the loss it was made for."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from movingtarget.networks.chain import Link, propagate
from movingtarget.networks.stack import Parameters

Losses = Callable[[Tensor, Tensor], Tensor]
"""Outputs and labels -> the loss of each member, `(members,)`."""


class Alone(NamedTuple):
    """Effects of a step of all layers, then of each layer alone, bottom first: `(1 + layers, members)`.

    Attributes:
        output_change: of the outputs for held-out inputs, in norms of those outputs.
        drop: of the minibatch's loss.
        promise: of the gradient for that drop.
    """

    output_change: Tensor
    drop: Tensor
    promise: Tensor


@torch.no_grad()
def alone(
    links: Sequence[Link],
    before: Parameters,
    after: Parameters,
    gradient: Parameters,
    batch: tuple[Tensor, Tensor],
    held_out: Tensor,
    losses: Losses,
) -> Alone:
    r"""Move all layers, then each layer alone, from W to where a step has led.

    $$ \frac{\lVert f(W \text{ but } W^+_i) - f(W) \rVert}{\lVert f(W) \rVert}, \quad
       L(W) - L(W \text{ but } W^+_i), \quad -\langle G_i, W^+_i - W_i \rangle $$

    Args:
        links: a chain of layers; batch norm, if in training mode, takes the statistics of what it is given.
        before: the stack's parameters W.
        after: its parameters W+ after the step.
        gradient: of the losses at W, by name.
        batch: inputs `(members, batch, features)` and labels `(members, batch)` that the gradient is of.
        held_out: `(images, features)`, for which the outputs f are looked at, all together.
        losses: of each member.

    The output x w1 w2 changes by a tenth when either weight does:

    >>> from movingtarget.networks.chain import chain
    >>> network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False))
    >>> before = {name: torch.ones(1, 1) for name in ("0.weight", "1.weight")}
    >>> after = {name: 0.9 * value for name, value in before.items()}
    >>> batch = torch.ones(1, 1, 1), torch.zeros(1, 1)
    >>> def output(outputs, labels):
    ...     return outputs.mean((1, 2))
    >>> found = alone(chain(network), before, after, before, batch, torch.ones(1, 1), output)
    >>> [[round(value, 4) for value in values.flatten().tolist()] for values in found]
    [[0.19, 0.1, 0.1], [0.19, 0.1, 0.1], [0.2, 0.1, 0.1]]
    """
    inputs, labels = batch
    start, outputs = losses(propagate(links, before, inputs), labels), propagate(links, before, held_out)
    changes, drops, promises = [], [], []
    for moved in [list(links), *([link] for link in links)]:
        names = [name for link in moved for name in link.names.values()]
        reached = before | {name: after[name] for name in names}
        changes.append(_relative_change(outputs, propagate(links, reached, held_out)))
        drops.append(start - losses(propagate(links, reached, inputs), labels))
        gains = [_inner(gradient[name], before[name] - after[name]) for name in names]
        promises.append(torch.stack(gains).sum(0))
    return Alone(torch.stack(changes), torch.stack(drops), torch.stack(promises))


def sizes(links: Sequence[Link]) -> list[int]:
    """Numbers of parameters of one network, of all layers first, then of each."""
    of_layers = [sum(part.numel() for part in link.affine.parameters()) for link in links]
    return [sum(of_layers), *of_layers]


def _relative_change(old: Tensor, new: Tensor) -> Tensor:
    difference, norm = (torch.linalg.vector_norm(part.double(), dim=(-2, -1)) for part in (new - old, old))
    return torch.where(norm > 0, difference / norm, torch.nan)


def _inner(left: Tensor, right: Tensor) -> Tensor:
    """The inner product of each member, `(members,)`."""
    return (left.double() * right.double()).flatten(1).sum(1)
