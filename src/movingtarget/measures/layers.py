"""The layers of any network: what owns parameters, in the order in which a forward pass runs it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from movingtarget.measures.calling import call, copied, original, plain_name
from movingtarget.measures.untouched import untouched
from movingtarget.names import unknown
from movingtarget.networks.chain import chain, is_ours
from movingtarget.networks.stack import Parameters

Layers = Mapping[str, Sequence[str]]
"""The names of each layer's parameters by the layer's name, in the order of a forward pass."""


def layers_of(network: nn.Module, inputs: Any, parameters: Parameters | None = None) -> dict[str, list[str]]:
    """Each layer's parameters by name: a layer is a module that owns some, a parameter is its first owner's.

    The order is that in which a forward pass first enters them. One that is never called, as the output
    projection of torch's attention, belongs to the part around it, if that owns parameters and is called;
    else it stands right after the part around it. Of a network of our families, what `networks.chain` says.

    Args:
        network: any module; called once, if it is not ours, and left as it is. Of a compiled one, names are
            those of the module it was made of.
        inputs: as `call` takes them.
        parameters: what it is called with, by name; its own unless given.

    Raises:
        ValueError: the network has no parameters.

    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))
    >>> layers_of(network, torch.zeros(1, 2))
    {'0': ['0.weight', '0.bias'], '2': ['2.weight']}
    """
    network = original(network)
    if next(network.parameters(), None) is None:
        raise ValueError(no_parameters(network))
    if is_ours(network):
        return _by_place([[*link.names.values()] for link in chain(network)])
    return grouped(network, entered(network, inputs, parameters or {}))


def no_parameters(network: nn.Module) -> str:
    """What is said of a network that has none."""
    return f"{type(network).__name__} has no parameters; allowed: at least one layer with some"


def named(network: nn.Module, layers: Layers) -> dict[str, list[str]]:
    """Layers as they are given, of a compiled network's parameters by their names in its original.

    Raises:
        ValueError: a layer has no parameters, one that is unknown, or one that another layer has.
    """
    own = [name for name, _ in network.named_parameters()]
    found: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    for layer, given in layers.items():
        found[layer] = [plain_name(name) for name in given]
        if not found[layer]:
            raise ValueError(f"layer '{layer}' has no parameters; allowed: at least one")
        for name in found[layer]:
            if name not in own:
                raise ValueError(f"layer '{layer}': {unknown('parameter', name, own)}")
            other = owner.setdefault(name, layer)
            if other != layer:
                raise ValueError(f"parameter '{name}' is in layers '{other}' and '{layer}'; allowed: one")
    return found


def blocks(network: nn.Module, names: Sequence[str]) -> dict[str, list[str]]:
    """The parameters of the parts of these names; each is the first's that holds it.

    Raises:
        ValueError: a name is unknown, or a part has no parameters of its own.
    """
    parts = dict(network.named_modules(remove_duplicate=False))
    own = {id(value): name for name, value in network.named_parameters()}
    found: dict[str, list[str]] = {}
    for name in names:
        if name not in parts:
            raise ValueError(unknown("layer", name, (known or "'' (the whole)" for known in parts)))
        mine = [own.pop(id(value)) for value in parts[name].parameters() if id(value) in own]
        if not mine:
            raise ValueError(f"layer '{name}' has no parameters that no layer before it has; allowed: some")
        found[name] = mine
    return found


def entered(network: nn.Module, inputs: Any, parameters: Parameters) -> list[str]:
    """The names of the parts that a forward pass enters, in the order in which it first does."""
    with untouched(network), torch.no_grad(), noting(network) as names:
        call(network, parameters, copied(inputs))
    return [*names]


@contextmanager
def noting(network: nn.Module) -> Iterator[dict[str, None]]:
    """The names of the parts that are entered inside, in the order in which they first are."""
    names: dict[str, None] = {}
    with ExitStack() as stack:
        for name, part in network.named_modules():
            stack.callback(part.register_forward_pre_hook(_note(names, name)).remove)
        yield names


def _note(names: dict[str, None], name: str) -> Any:
    return lambda part, inputs: names.setdefault(name)


def grouped(network: nn.Module, order: Sequence[str]) -> dict[str, list[str]]:
    """Each layer's parameters, as `layers_of` has them, by the order in which parts are first entered."""
    canonical = {id(value): name for name, value in network.named_parameters()}
    direct = {name: [*part.parameters(recurse=False)] for name, part in network.named_modules()}
    places = {name: (place, 0) for place, name in enumerate(order)}
    groups: dict[str, str] = {}  # each owner's layer
    for count, name in enumerate((name for name, held in direct.items() if held), 1):
        outer = around(name, places)
        if "parametrizations" in name.split("."):
            outer = name.split("parametrizations")[0].rstrip(".")
            groups[name] = outer
        else:
            groups[name] = outer if outer == name or direct[outer] else name
        places.setdefault(groups[name], (places[outer][0] if outer in places else len(order), count))
    found: dict[str, list[str]] = {}
    for name, layer in sorted(groups.items(), key=lambda pair: places[pair[1]]):
        mine = [canonical.pop(id(value)) for value in direct[name] if id(value) in canonical]
        if mine:
            found.setdefault(layer, []).extend(mine)
    return found


def around(name: str, called: Iterable[str]) -> str:
    """The innermost part that is called and holds the one of this name, itself if it is."""
    while name and name not in called:
        name = name.rpartition(".")[0]
    return name


def _by_place(names: list[list[str]]) -> dict[str, list[str]]:
    """Layers of parameters: each named by what the names of its parameters begin with alike."""
    return {_common(held): held for held in names}


def _common(names: list[str]) -> str:
    first, *others = (name.split(".")[:-1] for name in names)
    alike = [part for place, part in enumerate(first) if all(o[place : place + 1] == [part] for o in others)]
    return ".".join(alike) or names[-1].rpartition(".")[0]
