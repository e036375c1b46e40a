"""Statistics of normalisation layers: of a batch held constant, and of a whole population."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from movingtarget.measures.calling import call, copied
from movingtarget.measures.given import constants, measurable
from movingtarget.measures.ours import as_before
from movingtarget.networks.layers import Normalisation
from movingtarget.networks.stack import Parameters


@contextmanager
def constant_statistics(network: nn.Module) -> Iterator[Parameters]:
    """Inside, each normalisation layer uses its own batch's mean and variance, as constants.

    In one pass forward, without any derivative through the statistics, anew at each call of a layer, in
    single precision at least. All other parts are in eval mode. Layers of class Normalisation and torch's
    batch norms are treated so; their buffers and the network's training mode are restored in the end.

    Yields:
        The statistics by buffer name, filled when the network is called (of a layer's last call, if several).

    >>> network = nn.Sequential(nn.BatchNorm1d(1, eps=0.0))
    >>> with constant_statistics(network) as statistics:
    ...     outputs = network(torch.tensor([[1.0], [5.0]]))
    >>> outputs.detach().round(decimals=4).tolist()
    [[-1.0], [1.0]]
    >>> {name: round(value.item(), 4) for name, value in statistics.items()}
    {'0.running_mean': 3.0, '0.running_var': 4.0}
    """
    seen: Parameters = {}
    with _holding(network, lambda _, statistics: seen.update(statistics)):
        yield seen


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Inside, the network is in eval mode; each part's own mode is restored in the end.

    >>> network = nn.Dropout()
    >>> with evaluating(network):
    ...     print(network(torch.tensor([1.0, 2.0])).tolist())
    [1.0, 2.0]
    >>> network.training
    True
    """
    modes = {part: part.training for part in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training


@contextmanager
def wide_statistics(network: nn.Module) -> Iterator[None]:
    """Inside, normalisation layers in half precision take statistics in single precision.

    >>> layer = nn.BatchNorm1d(1, eps=0.0).half().eval()
    >>> layer.running_mean, layer.running_var = torch.zeros(1), torch.full((1,), 1e6)  # infinite in half
    >>> with wide_statistics(layer):
    ...     print(layer(torch.full((1, 1), 1e3, dtype=torch.half)).item())
    1.0
    """
    with ExitStack() as hooks:
        for part in _layers(network).values():
            before, after = _widening()
            hooks.callback(part.register_forward_pre_hook(before).remove)
            hooks.callback(part.register_forward_hook(after, always_call=True).remove)
        yield


@torch.no_grad()
def population_statistics(
    network: nn.Module, parameters: Parameters, inputs: Any, *, stacked: bool = False
) -> Parameters:
    """Mean and variance of the inputs of every normalisation layer over all of `inputs`.

    The data pass as one batch, so that each layer sees its predecessors normalised by statistics of the
    same data: exact, with no running average.

    Args:
        network: holds layers of class Normalisation, or torch's batch norms (else the result is empty).
        parameters: by name; those not given are its own.
        inputs: `(examples, ...)`; of a stack, `(examples, features)` or `(members, examples, features)`. Or a
            tuple or list of arguments, or a mapping of arguments by name.
        stacked: the parameters are those of a stack of members.

    Returns:
        The buffers by name (biased variance, as batch norm itself uses), in single precision at least.

    Raises:
        ValueError: a parameter is unknown or of another shape, or a layer is called more than once: it has a
            mean and variance for each call.

    Source: Ioffe & Szegedy 2015, algorithm 2, with all data in the place of several minibatches.

    >>> network = nn.Sequential(nn.BatchNorm1d(1))
    >>> parameters = dict(network.named_parameters())
    >>> found = population_statistics(network, parameters, torch.tensor([[1.0], [5.0]]))
    >>> {name: round(value.item(), 4) for name, value in found.items()}
    {'0.running_mean': 3.0, '0.running_var': 4.0}
    """
    network = measurable(network)
    values = constants(network, parameters, stacked=stacked)
    calls: dict[str, list[Parameters]] = {name: [] for name in _layers(network)}
    if not calls:
        return {}
    with as_before(network), _holding(network, lambda name, statistics: calls[name].append(statistics)):
        call(network, values, copied(inputs))
    for name, seen in calls.items():
        if len(seen) > 1:
            raise ValueError(
                f"layer '{name}' normalises {len(seen)} times, by statistics of its own each time; allowed: "
                "a layer for each place"
            )
    return {
        name: value for seen in calls.values() for statistics in seen for name, value in statistics.items()
    }


def _layers(network: nn.Module) -> dict[str, nn.Module]:
    kinds = (Normalisation, _BatchNorm)
    return {name: part for name, part in network.named_modules() if isinstance(part, kinds)}


def _buffers(layer: nn.Module) -> tuple[str, str]:
    return ("mean", "variance") if isinstance(layer, Normalisation) else ("running_mean", "running_var")


@contextmanager
def _holding(network: nn.Module, keep: Callable[[str, Parameters], None]) -> Iterator[None]:
    """Inside, in eval mode, with each normalisation layer's own batch statistics, which `keep` is told of."""
    layers = _layers(network)
    buffers = {part: [getattr(part, name) for name in _buffers(part)] for part in layers.values()}
    with ExitStack() as hooks:
        for name, part in layers.items():
            handle = part.register_forward_pre_hook(_hold(name, keep), with_kwargs=True)
            hooks.callback(handle.remove)
        try:
            with wide_statistics(network), evaluating(network):
                yield
        finally:
            for part, values in buffers.items():
                for name, value in zip(_buffers(part), values, strict=True):
                    setattr(part, name, value)


def _hold(layer_name: str, keep: Callable[[str, Parameters], None]) -> Any:
    @torch.no_grad()
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], named: dict[str, Tensor]) -> None:
        # ours keep units last and members first, torch's keep units second
        value = next(iter((*inputs, *named.values())))
        axes = [-2] if isinstance(layer, Normalisation) else [0, *range(2, value.dim())]
        statistics = dict(zip(_buffers(layer), _mean_and_variance(value, axes), strict=True))
        for name, statistic in statistics.items():
            setattr(layer, name, statistic)
        prefix = f"{layer_name}." if layer_name else ""
        keep(layer_name, {prefix + name: statistic for name, statistic in statistics.items()})

    return hook


def _widening() -> tuple[Any, Any]:
    """Hooks that give a layer its parameters in its statistics' precision, and then its own again."""
    own: dict[str, Any] = {}

    def before(layer: nn.Module, _: Any) -> None:
        mean = getattr(layer, _buffers(layer)[0])
        own.update(layer._parameters)
        for name, value in own.items():
            if mean is not None and value is not None:
                wide = torch.promote_types(value.dtype, mean.dtype)
                layer._parameters[name] = value.to(wide)

    def after(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
        layer._parameters.update(own)
        return output.to(inputs[0].dtype) if inputs else output

    return before, after


def _mean_and_variance(values: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    values = values.to(torch.promote_types(values.dtype, torch.float32))  # squares overflow in half precision
    mean = values.mean(axes, keepdim=True)
    # ten times as fast as torch.var_mean
    size = torch.linalg.vector_norm(values - mean, dim=axes)
    count = values.numel() // size.numel()
    return mean.squeeze(axes), size.square() / count
