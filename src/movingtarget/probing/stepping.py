"""A step of the user's optimiser, and its way back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from movingtarget.measures.untouched import untouched
from movingtarget.networks.stack import Parameters


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
    """One step by this gradient; a parameter without one is left alone."""
    for name, value in network.named_parameters():
        slope = gradient.get(name)
        value.grad = None if slope is None else slope.detach().clone()
    with torch.no_grad():
        optimiser.step()


@contextmanager
def _remembered(optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Afterwards, an optimiser's state and settings are as before; its parameters are not copied."""
    attributes = dict(vars(optimiser))
    state = {key: deepcopy(held) for key, held in optimiser.state.items()}
    groups = [
        {name: _setting(name, value) for name, value in group.items()} for group in optimiser.param_groups
    ]
    try:
        yield
    finally:
        vars(optimiser).update(attributes)
        optimiser.state.clear()
        optimiser.state.update(state)
        for group, before in zip(optimiser.param_groups, groups, strict=True):
            group.clear()
            group.update(before)


def _setting(name: str, value: Any) -> Any:
    return value if name == "params" else deepcopy(value)
