"""Statistics of normalisation layers: of a batch held constant, and of a whole population."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from movingtarget.networks.layers import Normalisation
from movingtarget.networks.stack import Parameters, call


@contextmanager
def constant_statistics(network: nn.Module) -> Iterator[Parameters]:
    """Inside, each normalisation layer uses its own batch's mean and variance, as constants.

    In one pass forward, and without any derivative through the statistics. All other parts are in eval mode.
    Layers of class Normalisation and torch's batch norms are treated so; their buffers and the network's
    training mode are restored in the end.

    Yields:
        The statistics by buffer name, filled when the network is called.

    >>> network = nn.Sequential(nn.BatchNorm1d(1, eps=0.0))
    >>> with constant_statistics(network) as statistics:
    ...     outputs = network(torch.tensor([[1.0], [5.0]]))
    >>> outputs.detach().round(decimals=4).tolist()
    [[-1.0], [1.0]]
    >>> {name: round(value.item(), 4) for name, value in statistics.items()}
    {'0.running_mean': 3.0, '0.running_var': 4.0}
    """
    seen: Parameters = {}
    layers = {name: part for name, part in network.named_modules() if isinstance(part, _LAYERS)}
    buffers = {part: [getattr(part, name) for name in _buffers(part)] for part in layers.values()}
    handles = [part.register_forward_pre_hook(_hold(seen, name)) for name, part in layers.items()]
    try:
        with evaluating(network):
            yield seen
    finally:
        for handle in handles:
            handle.remove()
        for part, values in buffers.items():
            for name, value in zip(_buffers(part), values, strict=True):
                setattr(part, name, value)


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


@torch.no_grad()
def population_statistics(network: nn.Module, parameters: Parameters, inputs: Tensor) -> Parameters:
    """Mean and variance of the inputs of every normalisation layer over all of `inputs`.

    The data pass as one batch, so that each layer sees its predecessors normalised by statistics of the
    same data: exact, with no running average.

    Args:
        network: holds layers of class Normalisation, or torch's batch norms (else the result is empty).
        parameters: of one member or a stack.
        inputs: `(examples, features)` or `(members, examples, features)`.

    Returns:
        The buffers by name (biased variance, as batch norm itself uses).

    Source: Ioffe & Szegedy 2015, algorithm 2, with all data in the place of several minibatches.

    >>> network = nn.Sequential(nn.BatchNorm1d(1))
    >>> parameters = dict(network.named_parameters())
    >>> found = population_statistics(network, parameters, torch.tensor([[1.0], [5.0]]))
    >>> {name: round(value.item(), 4) for name, value in found.items()}
    {'0.running_mean': 3.0, '0.running_var': 4.0}
    """
    if not any(isinstance(part, _LAYERS) for part in network.modules()):
        return {}
    with constant_statistics(network) as statistics:
        call(network, parameters, inputs)
    return statistics


_LAYERS = (Normalisation, _BatchNorm)


def _buffers(layer: nn.Module) -> tuple[str, str]:
    return ("mean", "variance") if isinstance(layer, Normalisation) else ("running_mean", "running_var")


def _hold(seen: Parameters, layer_name: str) -> Any:
    @torch.no_grad()
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        # ours keep units last and members first, torch's keep units second
        (value,) = inputs
        axes = [-2] if isinstance(layer, Normalisation) else [0, *range(2, value.dim())]
        for name, statistic in zip(_buffers(layer), _mean_and_variance(value, axes), strict=True):
            setattr(layer, name, statistic)
            seen[f"{layer_name}.{name}"] = statistic

    return hook


def _mean_and_variance(values: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    mean = values.mean(axes, keepdim=True)
    # ten times as fast as torch.var_mean
    size = torch.linalg.vector_norm(values - mean, dim=axes)
    count = values.numel() // size.numel()
    return mean.squeeze(axes), size.square() / count
