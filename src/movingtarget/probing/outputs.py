"""What a loss does with outputs, told without the network."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from movingtarget.measures.objective import tensors
from movingtarget.probing.given import Batch, Loss

CLOSE = 1e-3
"""The relative difference up to which two losses are one."""

ROUGH = 0.02
"""The same of a sum of probabilities in half precision."""


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
    return any(
        _goes_by_differences(loss, outputs, batch, value, axis)
        for value in tensors(outputs)
        for axis in _axes_of_probabilities(value)
    )


def _goes_by_differences(loss: Loss, outputs: Any, batch: Batch, chosen: Tensor, axis: int) -> bool:
    """Whether a loss depends on one tensor, and yet not on what is added to all of its classes."""
    shape = [-1 if place == axis % chosen.dim() else 1 for place in range(chosen.dim())]
    ramp = torch.arange(chosen.shape[axis], device=chosen.device).to(chosen.dtype).view(shape)

    def at(other: Tensor) -> float | None:
        changed = mapped(lambda value: other if value is chosen else value, outputs, batch.examples)
        return _loss(loss, changed, batch.targets)

    once, raised, tilted = at(chosen), at(chosen + 1), at(chosen + ramp)
    if once is None or raised is None or tilted is None:
        return False
    return abs(raised - once) < CLOSE * abs(once) and abs(tilted - once) > CLOSE * abs(once)


def mapped(function: Callable[[Tensor], Tensor], value: Any, examples: int) -> Any:
    """Nested tuples, lists and mappings with a function of each tensor that has as many rows as examples."""
    if isinstance(value, Tensor):
        return function(value) if value.dim() and len(value) == examples else value
    if isinstance(value, Mapping):
        return {name: mapped(function, part, examples) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [mapped(function, part, examples) for part in value]
        return value._make(parts) if hasattr(value, "_make") else type(value)(parts)
    return value


def _axes_of_probabilities(value: Tensor) -> list[int]:
    """The axes, second or last, along which a tensor holds probabilities of two classes or more."""
    if not value.is_floating_point() or value.dim() < 2 or not bool((value >= 0).all()):
        return []
    axes = (1, -1) if value.dim() > 2 else (1,)
    near = ROUGH if value.dtype in (torch.float16, torch.bfloat16) else CLOSE
    return [
        axis
        for axis in axes
        if value.shape[axis] > 1 and bool(((value.double().sum(axis) - 1).abs() < near).all())
    ]


@torch.no_grad()
def _loss(loss: Loss, outputs: Any, targets: Any) -> float | None:
    """The loss as a number; None where it cannot be taken of such outputs."""
    try:
        return loss(outputs, targets).item()
    except Exception:  # a user's loss may know the size of its batch
        return None
