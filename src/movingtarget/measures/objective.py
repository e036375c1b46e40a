"""A loss as a function of the parameters of layers, whatever the network is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.calling import call, copied, original, repeatable
from movingtarget.measures.given import constants, measurable
from movingtarget.measures.layers import Layers, around, blocks, entered, layers_of, named, no_parameters
from movingtarget.measures.untouched import untouched
from movingtarget.names import unknown
from movingtarget.networks.chain import Link, chain, is_ours, propagate
from movingtarget.networks.losses import class_loss, member_losses
from movingtarget.networks.stack import Parameters

Loss = Callable[[Any, Any], Tensor]
"""(outputs, labels) -> the loss of one network, `()`; of a stack, of each member, `(members,)`."""

Losses = Callable[[Parameters], Tensor]
"""All parameters -> the loss `()`, or losses `(members,)`."""


class Objective(NamedTuple):
    """What a step of layers does to a loss, told by functions of all parameters.

    Attributes:
        layers: the names of each layer's parameters, bottom first.
        losses: of all parameters.
        above: at some parameters, for each layer the losses as a function of parameters that agree with
            these below that layer: of a chain, what lies below is not computed again.
        reached: at some parameters, the inputs of each layer, `(size,)`, or `(members, size)`; float64.
    """

    layers: Layers
    losses: Losses
    above: Callable[[Parameters], Sequence[Losses]]
    reached: Callable[[Parameters], list[Tensor]]


@contextmanager
def objective(
    network: nn.Module,
    parameters: Parameters,
    inputs: Any,
    labels: Any,
    loss: Loss | None,
    stacked: bool,
    layers: Layers | Sequence[str] | None,
) -> Iterator[Objective]:
    """The loss of a batch in a network's parameters; the network is as before afterwards.

    Random numbers are the same in every evaluation. A network of our families, and a Sequential that draws
    none, is taken as the chain it is, if its links are the layers asked for.

    Args:
        network: any module, in its own mode.
        parameters: as `complete` has them, of the precision of all that will be asked about.
        inputs: as `calling.call` takes them.
        labels: what `loss` takes.
        loss: the mean cross-entropy of class labels unless given (of a stack, `member_losses`).
        stacked: whether parameters are those of a stack of members.
        layers: the names of each layer's parameters, or of the parts that are to be taken for layers; those
            that `layers_of` finds unless given.

    Raises:
        ValueError: unknown layers, or a loss of another shape.
    """
    network = original(network)
    loss_of = _checked(loss or (member_losses if stacked else class_loss), stacked)
    with untouched(network), repeatable(network):
        for part in network.modules():
            if isinstance(part, (nn.Embedding, nn.EmbeddingBag)):
                part.sparse = False  # sparse gradients cannot be differentiated, nor flattened
        found = _layers(network, parameters, inputs, layers)
        links = _links(network, parameters, inputs, found)
        if links:
            yield _of_chain(links, found, inputs, labels, loss_of, stacked)
        else:
            yield _of_module(network, found, inputs, labels, loss_of, stacked)


def complete(network: nn.Module, parameters: Parameters, stacked: bool) -> Parameters:
    """All of a network's parameters, those not given being its own, by its own names.

    Raises:
        TypeError: these are not tensors by name, or the network is none that can be measured.
        ValueError: a name is unknown, or lacks of a stack, or a shape is not the network's own (behind the
            members' axis); or there are none.
    """
    network = measurable(network)
    own = dict(network.named_parameters())
    if not own:
        raise ValueError(no_parameters(network))
    first = {id(value): name for name, value in own.items()}
    shared = {name: first[id(value)] for name, value in network.named_parameters(remove_duplicate=False)}
    given = constants(network, parameters, stacked=stacked)
    found = {} if stacked else {name: value.detach() for name, value in own.items()}
    for name, value in given.items():
        known = shared.get(name, name)  # those that share a tensor are one; buffers may be among them
        if name == known or known not in given:
            found[known] = value
    for name in own:
        if name not in found:
            raise ValueError(f"parameter '{name}' is not given; allowed: all of a stack's")
    return found


def both(
    network: nn.Module, before: Parameters, after: Parameters, stacked: bool
) -> tuple[Parameters, Parameters]:
    """All parameters before and after a step, as `complete` has them; those not given after do not move."""
    whole = complete(network, before, stacked)
    return whole, complete(network, whole | after, stacked)


def _checked(loss: Loss, stacked: bool) -> Loss:
    def checked(outputs: Any, labels: Any) -> Tensor:
        value = loss(outputs, labels)
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"the loss returned {kind}; allowed: a tensor of one real number")
        if stacked and value.dim() != 1:
            raise ValueError(f"the loss returned shape {tuple(value.shape)}; allowed: (members,)")
        if not stacked and value.numel() != 1:
            raise ValueError(
                f"the loss returned shape {tuple(value.shape)}; allowed: a single number, such as their mean "
                "(of a stack of members, say stacked=True)"
            )
        return value if stacked else value.reshape(())

    return checked


def _layers(
    network: nn.Module, parameters: Parameters, inputs: Any, layers: Layers | Sequence[str] | None
) -> Layers:
    if layers is None:
        return layers_of(network, inputs, parameters)
    if isinstance(layers, str) or not layers:
        raise ValueError(f"layers are {layers!r}; allowed: a list of parts, or parameters by layer")
    return named(network, layers) if isinstance(layers, Mapping) else blocks(network, layers)


def _links(network: nn.Module, parameters: Parameters, inputs: Any, layers: Layers) -> list[Link]:
    """The links of a chain whose layers these are; none if the network is not one."""
    if not (isinstance(inputs, Tensor) and (is_ours(network) or _runs_parts_alone(network))):
        return []
    # `call` takes buffers to the precision of the parameters; links leave them in their own
    if not is_ours(network) and any(
        parameters[name].dtype != value.dtype for name, value in network.named_parameters()
    ):
        return []
    try:
        links = chain(network)
    except ValueError:  # parameters are shared
        return []
    held = [[*link.names.values()] for link in links]
    return links if held == [[*names] for names in layers.values()] else []


def _runs_parts_alone(network: nn.Module) -> bool:
    """Whether a network is a Sequential of torch's own parts whose outputs depend on their inputs alone."""
    parts = [*network.modules()]
    return (
        type(network) is nn.Sequential
        and "forward" not in vars(network)
        and not any(part._forward_hooks or part._forward_pre_hooks for part in parts)
        and all(type(part).__module__.startswith("torch.nn.modules.") for part in parts)
        and not any(part.training and isinstance(part, _RANDOM_IN_TRAINING) for part in parts)
        and not any(isinstance(part, (nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)) for part in parts)
    )


_RANDOM_IN_TRAINING = (nn.modules.dropout._DropoutNd, nn.RReLU, nn.MultiheadAttention, nn.RNNBase)


def _of_chain(
    links: Sequence[Link], layers: Layers, inputs: Tensor, labels: Any, loss: Loss, stacked: bool
) -> Objective:
    def reached(parameters: Parameters) -> list[Tensor]:
        """The inputs of every layer."""
        found = [inputs.detach()]
        for link in links[:-1]:
            found.append(propagate([link], parameters, found[-1].clone()))
        return found

    def above(parameters: Parameters) -> list[Losses]:
        with torch.no_grad():
            below = reached(parameters)
        return [_from(links[place:], value, labels, loss) for place, value in enumerate(below)]

    def flat(parameters: Parameters) -> list[Tensor]:
        return [value.double().flatten(int(stacked)) for value in reached(parameters)]

    return Objective(layers, _from(links, inputs, labels, loss), above, flat)


def _from(links: Sequence[Link], inputs: Tensor, labels: Any, loss: Loss) -> Losses:
    # a copy of the inputs, for a layer may begin with an operation in place
    return lambda parameters: loss(propagate(links, parameters, inputs.detach().clone()), labels)


def _of_module(
    network: nn.Module, layers: Layers, inputs: Any, labels: Any, loss: Loss, stacked: bool
) -> Objective:
    def losses(parameters: Parameters) -> Tensor:
        return loss(call(network, parameters, copied(inputs)), labels)

    def reached(parameters: Parameters) -> list[Tensor]:
        return _entering(network, layers, parameters, inputs, stacked)

    return Objective(layers, losses, lambda parameters: [losses] * len(layers), reached)


def _entering(
    network: nn.Module, layers: Layers, parameters: Parameters, inputs: Any, stacked: bool
) -> list[Tensor]:
    """All numbers that enter each layer in all of its calls; if it has none, the part around it."""
    parts = dict(network.named_modules())
    for name in layers:
        if name not in parts:
            raise ValueError(unknown("layer", name, parts))
    called = entered(network, inputs, parameters)
    seen: dict[str, list[Tensor]] = {name: [] for name in layers}
    with ExitStack() as hooks:
        for name, own in seen.items():
            hook = parts[around(name, called)].register_forward_pre_hook(
                _keep_in(own, stacked), with_kwargs=True
            )
            hooks.callback(hook.remove)
        call(network, parameters, copied(inputs))
    return [torch.cat(own, -1) for own in seen.values()]


def _keep_in(seen: list[Tensor], stacked: bool) -> Any:
    def hook(part: nn.Module, places: tuple[Any, ...], names: dict[str, Any]) -> None:
        # copies, for the part may change them in place
        seen.extend(
            value.detach().clone().double().flatten(int(stacked)) for value in tensors((places, names))
        )

    return hook


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, Mapping):
        yield from tensors([*value.values()])
