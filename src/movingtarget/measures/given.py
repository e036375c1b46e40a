"""Parameters that are given to a network in the place of its own: are they what it can take?"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from movingtarget.measures.calling import original, plain_name
from movingtarget.names import unknown
from movingtarget.networks.stack import Parameters


def measurable(network: nn.Module) -> nn.Module:
    """The module itself, of a compiled one the original, if its parameters can be replaced.

    Raises:
        TypeError: it is no module, or one whose parameters torch cannot replace.
        ValueError: a parameter has no shape yet.

    >>> measurable(nn.LazyLinear(3))
    Traceback (most recent call last):
    ValueError: parameter 'weight' has no shape yet; allowed: networks that were called once
    """
    network = original(network)
    for name, value in network.named_parameters():
        if is_lazy(value):
            raise ValueError(f"parameter '{name}' has no shape yet; allowed: networks that were called once")
    return network


def constants(network: nn.Module, parameters: Parameters, *, stacked: bool) -> Parameters:
    """The parameters (and buffers) without gradients; those that are not given stay the network's own.

    Args:
        network: a measurable one.
        parameters: by name, each of the network's own shape; of a stack, with a leading axis of members.
        stacked: whether they are a stack's.

    Raises:
        TypeError: these are not tensors of real numbers by name.
        ValueError: one line that names the parameter which the network has not, or in another shape.

    >>> import torch
    >>> constants(nn.Linear(2, 3), {"weight": torch.zeros(5, 3, 2)}, stacked=False)
    Traceback (most recent call last):
    ValueError: parameter 'weight' is 5x3x2; allowed: 3x2, as the network's own, or stacked=True for a stack
    >>> constants(nn.Linear(2, 3), {"wieght": torch.zeros(3, 2)}, stacked=False)
    Traceback (most recent call last):
    ValueError: parameter 'wieght' is unknown (did you mean weight?); allowed: weight, bias
    """
    if not isinstance(parameters, Mapping):
        raise TypeError(
            f"parameters are {type(parameters).__name__}; allowed: tensors by name, such as "
            "dict(network.named_parameters())"
        )
    own = _own(network)
    parameters = {plain_name(name): value for name, value in parameters.items()}
    for name, value in parameters.items():
        if name not in own:
            raise ValueError(unknown("parameter", name, own))
        if not isinstance(value, Tensor) or value.is_complex():
            kind = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"parameter '{name}' is {kind}; allowed: a tensor of real numbers")
        expected = own[name]
        if expected is not None:
            _check_shape(name, value, expected, stacked)
    if stacked:
        _check_members(parameters)
    return {name: value.detach() for name, value in parameters.items()}


def members(parameters: Parameters, *, stacked: bool) -> tuple[int, ...]:
    """The axis of members that leads each of a stack's parameters; of one network there is none."""
    return tuple(next(iter(parameters.values())).shape[:1]) if stacked else ()


def size(value: Tensor) -> str:
    """A tensor's shape in words.

    >>> import torch
    >>> size(torch.zeros(2, 3)), size(torch.tensor(0.0))
    ('2x3', 'a single number')
    """
    return "x".join(map(str, value.shape)) or "a single number"


def _own(network: nn.Module) -> dict[str, Tensor | None]:
    """All parameters and buffers by name, by each of their names; None for a buffer that is not kept."""
    own: dict[str, Tensor | None] = dict(network.named_parameters(remove_duplicate=False))
    for place, part in network.named_modules(remove_duplicate=False):
        own |= {f"{place}.{name}" if place else name: value for name, value in part._buffers.items()}
    return own


def _check_shape(name: str, value: Tensor, own: Tensor, stacked: bool) -> None:
    if value.shape[stacked:] == own.shape and value.dim() == own.dim() + stacked:
        return
    allowed = (
        f"members x {size(own)}, as the network's own with a leading axis"
        if stacked
        else f"{size(own)}, as the network's own, or stacked=True for a stack"
    )
    raise ValueError(f"parameter '{name}' is {size(value)}; allowed: {allowed}")


def _check_members(parameters: Parameters) -> None:
    counts = {name: len(value) for name, value in parameters.items()}
    if len({*counts.values()}) != 1:
        told = ", ".join(f"'{name}' {count}" for name, count in counts.items()) or "none are given"
        raise ValueError(f"parameters of a stack have members: {told}; allowed: as many in each, one or more")
