"""A user's network is as before, whatever happened to it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from movingtarget.measures.calling import kept_random_state


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Afterwards, all of a network is as before: also if what is done inside raises.

    That is parameters, buffers, gradients, modes, hooks and attributes of every part, and the state of the
    random numbers of torch, numpy and Python. What an attribute refers to is left alone, unless it is a
    list, a dict or a set.

    >>> network = nn.BatchNorm1d(1)
    >>> with untouched(network):
    ...     outputs = network(torch.tensor([[1.0], [3.0]]))
    ...     torch.nn.init.zeros_(network.weight)
    Parameter containing:
    tensor([0.], requires_grad=True)
    >>> network.running_mean.item(), network.weight.item()
    (0.0, 1.0)
    """
    parts = list(network.modules())
    attributes = [(part, dict(vars(part)), _contents(part)) for part in parts]
    tensors = [*network.parameters(), *network.buffers()]
    values = [(tensor, _copy(tensor), tensor.requires_grad) for tensor in tensors]
    gradients = [(tensor, tensor.grad, _copy(tensor.grad)) for tensor in network.parameters()]
    python, numpy = random.getstate(), np.random.get_state()
    with kept_random_state(network):
        try:
            yield
        finally:
            for part, own, contents in attributes:
                vars(part).clear()
                vars(part).update(own)
                _refill(contents)
            for tensor, value, requires_grad in values:
                _restore(tensor, value)
                if tensor.requires_grad != requires_grad:
                    tensor.requires_grad_(requires_grad)
            for tensor, gradient, value in gradients:
                if gradient is not None:
                    _restore(gradient, value)
                tensor.grad = gradient
            random.setstate(python)
            np.random.set_state(numpy)


def _contents(part: nn.Module) -> list[tuple[Any, Any]]:
    """The containers among a part's attributes, its hooks and parameters by name among them, and copies."""
    return [(value, value.copy()) for value in vars(part).values() if isinstance(value, (dict, list, set))]


def _refill(contents: list[tuple[Any, Any]]) -> None:
    for container, before in contents:
        container.clear()
        container.extend(before) if isinstance(container, list) else container.update(before)


def _copy(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.detach().clone()


def _restore(tensor: Tensor, value: Tensor | None) -> None:
    """A tensor's values as before; nothing is written if they are."""
    # a sparse gradient is replaced, not written to
    if value is None or tensor.is_meta or tensor.layout != torch.strided:
        return
    if tensor.shape != value.shape or tensor.dtype != value.dtype:
        tensor.data = value
    elif not torch.equal(tensor, value):
        tensor.data.copy_(value)
