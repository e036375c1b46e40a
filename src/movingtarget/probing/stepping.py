"""A step of the user's optimiser, and its way back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from movingtarget.measures.untouched import untouched
from movingtarget.networks.stack import Parameters
from movingtarget.probing.refused import CannotMeasure
from movingtarget.probing.users_code import said


@contextmanager
def restored(network: nn.Module, optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Afterwards, network and optimiser are as before, whatever was done to them.

    >>> network = nn.Linear(1, 1)
    >>> optimiser = torch.optim.Adam(network.parameters())
    >>> with restored(network, optimiser):
    ...     network(torch.ones(1, 1)).sum().backward()
    ...     optimiser.step()
    >>> len(optimiser.state), network.weight.grad
    (0, None)
    """
    with untouched(network), _remembered(optimiser):
        yield


def stepped(
    network: nn.Module, optimiser: torch.optim.Optimizer, gradient: Mapping[str, Tensor | None]
) -> Parameters:
    """The parameters that a step by this gradient leads to, by name; network and optimiser are as before."""
    with restored(network, optimiser):
        step(network, optimiser, gradient)
        return {name: value.detach().clone() for name, value in network.named_parameters()}


def step(network: nn.Module, optimiser: torch.optim.Optimizer, gradient: Mapping[str, Tensor | None]) -> None:
    """One step by this gradient; a parameter without one is left alone.

    Raises:
        CannotMeasure: the step raises, as it does if it asks for a closure.
    """
    for value in _parameters(optimiser):
        value.grad = None
    for name, value in network.named_parameters():
        slope = gradient.get(name)
        value.grad = None if slope is None else slope.detach().clone()
    try:
        with torch.no_grad():
            optimiser.step()
    except Exception as error:
        raise CannotMeasure(
            f"the step of {type(optimiser).__name__} raised {said(error)}; "
            "allowed: an optimiser whose step() asks for no closure"
        ) from error


@contextmanager
def _remembered(optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Afterwards, an optimiser, what it wraps, and the parameters of both are as before."""
    together = _wrapped(optimiser)
    gradients = [(value, value.grad) for one in together for value in _parameters(one)]
    back = [_way_back(vars(one)) for one in together]
    back += [_way_back(one.state, deepcopy) for one in together]  # it may hold objects of any kind
    try:
        yield
    finally:
        for put in back:
            put()
        for value, gradient in gradients:
            value.grad = gradient


def _parameters(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [value for group in optimiser.param_groups for value in group["params"]]


def _wrapped(optimiser: torch.optim.Optimizer) -> list[torch.optim.Optimizer]:
    """The optimiser, and those among its attributes and theirs."""
    found = [optimiser]
    for one in found:
        inner = [value for value in vars(one).values() if isinstance(value, torch.optim.Optimizer)]
        found += [value for value in inner if all(value is not other for other in found)]
    return found


def _way_back(value: Any, copy: Callable[[Any], Any] = lambda value: value) -> Callable[[], Any]:
    """What puts a value back to what it is now and returns it.

    Tensors, dicts and lists stay the same objects; of anything else what `copy` makes of it now is put back.
    """
    if isinstance(value, Tensor):
        return partial(_rewrite, value, value.detach().clone())
    if isinstance(value, dict):
        return partial(_refill, value, {name: _way_back(part, copy) for name, part in value.items()})
    if isinstance(value, list):
        return partial(_replace, value, [_way_back(part, copy) for part in value])
    before = copy(value)
    return lambda: before


def _rewrite(tensor: Tensor, before: Tensor) -> Tensor:
    if not torch.equal(tensor, before):
        tensor.data.copy_(before)
    return tensor


def _refill(container: dict[Any, Any], before: Mapping[Any, Callable[[], Any]]) -> dict[Any, Any]:
    container.clear()
    container.update({name: put() for name, put in before.items()})
    return container


def _replace(container: list[Any], before: Sequence[Callable[[], Any]]) -> list[Any]:
    container[:] = [put() for put in before]
    return container
