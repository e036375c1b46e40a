"""The families by name."""

from torch import nn

from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import Weights, initialise
from movingtarget.networks.residual import Residual

FAMILIES = ("plain", "batch-norm", "residual", "residual-batch-norm", "crelu", "looks-linear", "linear")

OWN_ACTIVATIONS = {"crelu": "crelu", "looks-linear": "crelu", "linear": "linear"}
"""Of the families that are defined by their activation."""


def build(family: str, inputs: int, width: int, depth: int, outputs: int, activation: str) -> nn.Module:
    """An uninitialised network of one family with `depth` hidden layers.

    The residual family has no normalisation and scales its branches by 1 / sqrt(depth), which keeps the
    stream's variance bounded at any depth; residual-batch-norm has batch norm and unscaled branches. The
    families crelu, looks-linear and linear are plain networks
    with an activation of their own. Raises ValueError for an unknown family or a depth or width below 1.
    """
    if family not in FAMILIES:
        raise ValueError(f"network '{family}' is unknown; allowed: {', '.join(FAMILIES)}")
    for name, value in {"depth": depth, "width": width}.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; allowed: at least 1")
    activation = OWN_ACTIVATIONS.get(family, activation)
    if family == "residual":
        return Residual(inputs, width, depth, outputs, activation, beta=depth**-0.5)
    if family == "residual-batch-norm":
        return Residual(inputs, width, depth, outputs, activation, "batch-norm")
    normalisation = "batch-norm" if family == "batch-norm" else "none"
    return Feedforward(inputs, width, depth, outputs, activation, normalisation)


def build_random(
    family: str,
    inputs: int,
    width: int,
    depth: int,
    outputs: int,
    activation: str,
    seed: int,
    weights: Weights = "normal",
) -> nn.Module:
    """A network of one family with random weights; those of looks-linear are mirrored."""
    network = build(family, inputs, width, depth, outputs, activation)
    own = OWN_ACTIVATIONS.get(family, activation)
    return initialise(network, seed, own, weights, mirrored=family == "looks-linear")
