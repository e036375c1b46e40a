"""Networks as chains of layers: what moves when one layer moves, and what has to be computed again."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.func import functional_call

from movingtarget.networks.feedforward import Feedforward, FeedforwardLayer
from movingtarget.networks.residual import Residual
from movingtarget.networks.stack import Parameters


class Link(NamedTuple):
    """One layer of a chain, h = transfer(affine(x)).

    Attributes:
        affine: all of the layer that has parameters, its normalisation included; its outputs are the
            pre-activations (the next stream, for a residual block).
        transfer: what follows, without parameters.
        names: of affine's parameters, by their names there; the network's names as values.
    """

    affine: nn.Module
    transfer: nn.Module
    names: dict[str, str]


def chain(network: nn.Module) -> list[Link]:
    """The layers of a network, bottom first, whose composition the network is.

    A residual network's last normalisation belongs to its output layer. In a Sequential, parts without
    parameters belong to the layer before them, or to the first layer.

    Raises:
        ValueError: layers share a parameter, or the network is neither of the families nor a Sequential.
    """
    names = _own_names(network)
    return [
        Link(affine, transfer, {own: names[id(value)] for own, value in affine.named_parameters()})
        for affine, transfer in _parts(network)
    ]


def is_ours(network: nn.Module) -> bool:
    """Whether it is of one of the families, whose layers `chain` knows."""
    return isinstance(network, (Feedforward, Residual))


def pre_activation(link: Link, parameters: Parameters, inputs: Tensor) -> Tensor:
    """What a layer computes before its transfer, with the network's parameters replaced by `parameters`."""
    own = {name: parameters[full] for name, full in link.names.items()}
    return functional_call(link.affine, own, (inputs,))  # type: ignore[no-any-return]


def propagate(links: Sequence[Link], parameters: Parameters, inputs: Tensor) -> Tensor:
    """The outputs of a stretch of a chain, from the inputs of its first layer."""
    for link in links:
        inputs = link.transfer(pre_activation(link, parameters, inputs))
    return inputs


def _own_names(network: nn.Module) -> dict[int, str]:
    """The name of each parameter by its identity."""
    names: dict[int, str] = {}
    for name, value in network.named_parameters(remove_duplicate=False):
        if id(value) in names:
            raise ValueError(
                f"layers share a parameter, {names[id(value)]} and {name}; "
                "allowed: layers with parameters of their own, to be moved one at a time"
            )
        names[id(value)] = name
    return names


def _parts(network: nn.Module) -> list[tuple[nn.Module, nn.Module]]:
    """Affine part and transfer of each layer."""
    if isinstance(network, Feedforward):
        return [*map(_feedforward_parts, network.hidden), (network.head, nn.Identity())]
    if isinstance(network, Residual):
        hidden = [(layer, nn.Identity()) for layer in network.hidden]
        return [*hidden, (nn.Sequential(network.last, network.head), nn.Identity())]
    if isinstance(network, nn.Sequential) and type(network).forward is nn.Sequential.forward:
        return _sequential_parts([*network])
    raise ValueError(
        f"{type(network).__name__} is not a chain of layers; allowed: Feedforward, Residual, or a Sequential "
        "that runs its parts one after the other"
    )


def _feedforward_parts(layer: nn.Module) -> tuple[nn.Module, nn.Module]:
    assert isinstance(layer, FeedforwardLayer)
    if isinstance(layer.normalisation, nn.Identity):
        return layer.linear, layer.activation
    return nn.Sequential(layer.linear, layer.normalisation), layer.activation


def _sequential_parts(parts: Sequence[nn.Module]) -> list[tuple[nn.Module, nn.Module]]:
    places = [place for place, part in enumerate(parts) if next(part.parameters(), None) is not None]
    if not places:
        raise ValueError("the Sequential has no parameters; allowed: at least one layer with parameters")
    ends = [*places[1:], len(parts)]
    layers: list[tuple[nn.Module, nn.Module]] = [
        (parts[start], nn.Sequential(*parts[start + 1 : end]))
        for start, end in zip(places, ends, strict=True)
    ]
    if places[0] > 0:
        layers[0] = (nn.Sequential(*parts[: places[0] + 1]), layers[0][1])
    return layers


def hidden_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The hidden layers of one of the families, bottom first: outputs are activations, or the stream."""
    return {
        f"hidden.{index}": layer for index, layer in enumerate(network.get_submodule("hidden").children())
    }
