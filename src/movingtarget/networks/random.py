"""Random rectifier networks with one output, as in the figures of Balduzzi et al. 2017."""

from typing import Any

from torch import nn

from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import initialise
from movingtarget.networks.residual import Residual


def random_network(
    network: str,
    normalisation: str,
    beta: float,
    depth: int,
    width: int,
    seed: int,
    inputs: int = 1,
    **variant: Any,
) -> nn.Module:
    """A rectifier network with one output and random weights and biases.

    Args:
        network: "feedforward" or "residual".
        normalisation: "none", "centred" or "batch-norm".
        beta: branch scale of a residual network, NaN for a feedforward one.
        depth: hidden layers (feedforward) or stem and blocks (residual).
        width: units in each.
        seed: of weights and biases, all normal with variance 2 / fan-in.
        inputs: features of an input.
        variant: an entry of `VARIANTS`, for residual networks.
    """
    if network == "feedforward":
        made: nn.Module = Feedforward(inputs, width, depth, 1, "relu", normalisation)
    else:
        made = Residual(inputs, width, depth, 1, "relu", normalisation, beta, on_a_line=True, **variant)
    return initialise(made, seed, "relu", random_biases=True)


def described(description: dict[str, Any]) -> dict[str, Any]:
    """Network, normalisation and branch scale of a network on the line; no branch scale for feedforward."""
    return {"beta": float("nan")} | description
