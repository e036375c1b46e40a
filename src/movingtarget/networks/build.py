"""The families by name."""

from torch import nn

from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.residual import Residual

FAMILIES = ("plain", "batch-norm", "residual")


def build(family: str, inputs: int, width: int, depth: int, outputs: int, activation: str) -> nn.Module:
    """An uninitialised network of one family with `depth` hidden layers.

    The residual family has no normalisation and scales its branches by 1 / sqrt(depth), which keeps the
    stream's variance bounded at any depth. Raises ValueError for an unknown family.
    """
    if family == "plain":
        return Feedforward(inputs, width, depth, outputs, activation)
    if family == "batch-norm":
        return Feedforward(inputs, width, depth, outputs, activation, normalisation="batch-norm")
    if family == "residual":
        return Residual(inputs, width, depth, outputs, activation, beta=depth**-0.5)
    raise ValueError(f"network '{family}' is unknown; allowed: {', '.join(FAMILIES)}")
