"""What a loss does with outputs, told without the network."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from movingtarget.probing.given import Batch, Loss

CLOSE = 1e-3
"""The relative difference up to which two losses are one."""


def is_summed(loss: Loss, outputs: Any, batch: Batch) -> bool:
    """Whether the loss of every example twice is twice the loss: a sum over examples, not their mean.

    >>> def summed(outputs, targets):
    ...     return (outputs - targets).square().sum()
    >>> batch = Batch(torch.ones(4, 1), torch.zeros(4, 1))
    >>> is_summed(summed, torch.ones(4, 1), batch)
    True
    """

    def twice(value: Tensor) -> Tensor:
        return torch.cat([value, value])

    once = _loss(loss, outputs, batch.targets)
    both = _loss(loss, *(mapped(twice, value, batch.examples) for value in (outputs, batch.targets)))
    return once is not None and both is not None and once != 0 and abs(both / once - 2) < CLOSE


def softmax_is_taken_twice(loss: Loss, outputs: Any, batch: Batch) -> bool:
    """Whether outputs are probabilities that add up to 1, and the loss goes by their differences alone.

    The loss of logits does not change when a number is added to all of an example's.

    >>> batch = Batch(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))
    >>> probabilities = torch.tensor([[0.2, 0.8]]).expand(4, 2)
    >>> softmax_is_taken_twice(torch.nn.functional.cross_entropy, probabilities, batch)
    True
    """

    def moved(value: Tensor) -> Tensor:
        return value + 1 if _are_probabilities(value) else value

    if not any(_are_probabilities(value) for value in _values(outputs)):
        return False
    once = _loss(loss, outputs, batch.targets)
    other = _loss(loss, mapped(moved, outputs, batch.examples), batch.targets)
    return once is not None and other is not None and abs(other - once) < CLOSE * abs(once)


def mapped(function: Callable[[Tensor], Tensor], value: Any, examples: int) -> Any:
    """Nested tuples, lists and mappings with a function of each tensor that has as many rows as examples."""
    if isinstance(value, Tensor):
        return function(value) if value.dim() and len(value) == examples else value
    if isinstance(value, Mapping):
        return {name: mapped(function, part, examples) for name, part in value.items()}
    if type(value) in (tuple, list):
        return type(value)(mapped(function, part, examples) for part in value)
    return value


def _are_probabilities(value: Tensor) -> bool:
    """Whether a tensor `(examples, classes, ...)` holds probabilities of two classes or more."""
    if not value.is_floating_point() or value.dim() < 2:
        return False
    return any(
        value.shape[axis] > 1
        and bool((value >= 0).all())
        and bool(((value.sum(axis) - 1).abs() < CLOSE).all())
        for axis in (1, -1)
    )


def _values(outputs: Any) -> list[Tensor]:
    parts = outputs.values() if isinstance(outputs, Mapping) else outputs
    return [value for value in ([parts] if isinstance(parts, Tensor) else parts) if isinstance(value, Tensor)]


@torch.no_grad()
def _loss(loss: Loss, outputs: Any, targets: Any) -> float | None:
    """The loss as a number; None where it cannot be taken of such outputs."""
    try:
        return loss(outputs, targets).item()
    except Exception:  # a user's loss may know the size of its batch
        return None
