"""Weights whose size does not count, for batch norm follows: their norms, and how to hold them."""

from collections.abc import Sequence

from torch import Tensor, nn

from movingtarget.networks.feedforward import FeedforwardLayer
from movingtarget.networks.layers import BatchNorm
from movingtarget.networks.stack import Parameters


def scale_free_weights(network: nn.Module) -> list[str]:
    """Names of the weights that batch norm follows at once: a unit's may be scaled, the function stays.

    >>> from movingtarget.networks.build import Architecture, build
    >>> scale_free_weights(build(Architecture("batch-norm", inputs=8, width=4, depth=2, outputs=3)))
    ['hidden.0.linear.weight', 'hidden.1.linear.weight']
    >>> scale_free_weights(build(Architecture("plain", inputs=8, width=4, depth=2, outputs=3)))
    []
    """
    return [
        f"{name}.linear.weight"
        for name, part in network.named_modules()
        if isinstance(part, FeedforwardLayer) and isinstance(part.normalisation, BatchNorm)
    ]


def unit_norms(parameters: Parameters, names: Sequence[str]) -> dict[str, Tensor]:
    """The norm of each unit's weights, `(..., units, 1)`, by the name of the weights."""
    return {name: parameters[name].norm(dim=-1, keepdim=True) for name in names}


def rescale(parameters: Parameters, norms: dict[str, Tensor]) -> Parameters:
    """The parameters, those weights named scaled to these norms, unit by unit.

    >>> import torch
    >>> rescale({"weight": torch.tensor([[3.0, 4.0]])}, {"weight": torch.tensor([[10.0]])})
    {'weight': tensor([[6., 8.]])}
    """
    now = unit_norms(parameters, [*norms])
    return parameters | {name: parameters[name] * (norms[name] / now[name]) for name in norms}
