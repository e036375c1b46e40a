"""Dials of initial weights: what layers share at first is set, what the network can learn stays."""

from collections.abc import Callable
from math import isfinite
from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.names import unknown
from movingtarget.networks.chain import hidden_layers
from movingtarget.networks.feedforward import FeedforwardLayer
from movingtarget.networks.layers import Linear
from movingtarget.networks.residual import ResidualBlock


def turn(network: nn.Module, dial: str, value: float) -> nn.Module:
    r"""Turn one dial of a network whose weights are drawn, in place, and return the network.

    Numbers change, parameters and what is computed of them do not: the class of functions stays. W are the
    weights of every hidden layer but the first, or of every residual branch.

    - "gain", of feedforward networks: $W \leftarrow \text{value} \cdot W$.
    - "rank", of feedforward networks: $W \leftarrow W_r \, \|W\|_F / \|W_r\|_F$, where the value is r and
      $W_r = \sum_{i \le r} s_i u_i v_i^T$, of the singular value decomposition $W = \sum_i s_i u_i v_i^T$, is
      the best approximation of that rank. Which of equal singular values, as an orthogonal W has, come first
      is up to the decomposition.
    - "branch", of residual networks: $W \leftarrow \text{value} \cdot W$, so that while biases are zero a
      block computes $x + \text{value} \cdot \beta B(x)$.

    A gain or branch of 1 and a rank of the full width leave every bit as it is.

    Args:
        network: one member; not a stack's parameters.
        dial: a key of `DIALS`.
        value: what it is turned to.

    Raises:
        ValueError: the dial is unknown, the network has no weights for it, or the value is not finite and
            above 0 or, for a rank, none of 1, 2, ..., width.

    >>> from movingtarget.networks import Architecture, build_random
    >>> network = build_random(Architecture("orthogonal", 5, 8, 2, 3, "tanh"), seed=0)
    >>> weight = turn(network, "rank", 2).get_parameter("hidden.1.linear.weight")
    >>> torch.linalg.matrix_rank(weight).item(), round(weight.square().sum().item(), 4)
    (2, 8.0)
    """
    if dial not in DIALS:
        raise ValueError(unknown("dial", dial, DIALS))
    weights = DIALS[dial].weights_of(network)
    if not weights:
        raise ValueError(f"the network has none of what dial '{dial}' turns, {DIALS[dial].what}")
    _check(dial, value, width=min(weights[0].shape))
    with torch.no_grad():
        for weight in weights:
            weight.copy_(DIALS[dial].turned(weight, value))
    return network


def _check(dial: str, value: float, width: int) -> None:
    if dial == "rank" and value not in range(1, width + 1):
        raise ValueError(f"rank is {value}; allowed: 1, 2, ..., {width}")
    if not (isfinite(value) and value > 0):
        raise ValueError(f"{dial} is {value}; allowed: finite and above 0")


class Dial(NamedTuple):
    """What a dial turns, in words and of a network, and what a weight is turned to."""

    what: str
    weights_of: Callable[[nn.Module], list[Tensor]]
    turned: Callable[[Tensor, float], Tensor]


def _feedforward_weights(network: nn.Module) -> list[Tensor]:
    layers = [layer for layer in _above_the_first(network) if isinstance(layer, FeedforwardLayer)]
    return [layer.linear.weight for layer in layers if type(layer.linear) is Linear]


def _branch_weights(network: nn.Module) -> list[Tensor]:
    blocks = [layer for layer in _above_the_first(network) if isinstance(layer, ResidualBlock)]
    return [part.weight for block in blocks for part in block.branch if isinstance(part, Linear)]


def _above_the_first(network: nn.Module) -> list[nn.Module]:
    return [*hidden_layers(network).values()][1:]


def _scaled(weight: Tensor, factor: float) -> Tensor:
    return factor * weight


def _of_rank(weight: Tensor, rank: float) -> Tensor:
    if rank == min(weight.shape):
        return weight
    left, singular, right = torch.linalg.svd(weight.double(), full_matrices=False)
    largest = slice(int(rank))
    kept = singular[largest] * (singular.norm() / singular[largest].norm())
    approximation: Tensor = (left[:, largest] * kept) @ right[largest]
    return approximation


DIALS = {
    "gain": Dial("feedforward weights above the first hidden layer", _feedforward_weights, _scaled),
    "branch": Dial("weights of residual branches", _branch_weights, _scaled),
    "rank": Dial("feedforward weights above the first hidden layer", _feedforward_weights, _of_rank),
}
"""The dials by name."""
