"""Networks of the families, by name."""

import pkgutil
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from movingtarget.families import FAMILIES
from movingtarget.names import unknown
from movingtarget.networks.initialise import Weights, initialise


@dataclass(frozen=True)
class Architecture:
    """What a multilayer perceptron is.

    Attributes:
        family: a key of `FAMILIES`.
        inputs: features of an example.
        width: units of a hidden layer.
        depth: hidden layers.
        outputs: of the network.
        activation: of the hidden layers, unless the family has its own.
        initial_weights: how they are drawn, unless the family says.

    Raises:
        ValueError: the family is unknown, or depth or width below 1. Convolutions of patches, when built,
            want square images and a width that divide into 4 x 4 maps.
    """

    family: str
    inputs: int
    width: int
    depth: int
    outputs: int
    activation: str = "relu"
    initial_weights: Weights = "normal"

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(unknown("network", self.family, FAMILIES))
        for name, value in {"depth": self.depth, "width": self.width}.items():
            if value < 1:
                raise ValueError(f"{name} is {value}; allowed: at least 1")


def build(architecture: Architecture) -> nn.Module:
    """The uninitialised network of an architecture.

    >>> build(Architecture("plain", inputs=8, width=4, depth=2, outputs=3)).head
    Linear(in_features=4, out_features=3, bias=True)
    """
    family = FAMILIES[architecture.family]
    builder: Any = pkgutil.resolve_name(family.builder)
    network: nn.Module = builder(replace(architecture, activation=_activation(architecture)))
    return network


def build_random(architecture: Architecture, seed: int) -> nn.Module:
    """A network with random weights."""
    family, activation = FAMILIES[architecture.family], _activation(architecture)
    weights = family.initial_weights or architecture.initial_weights
    return initialise(build(architecture), seed, activation, weights, family.mirrored)


def _activation(architecture: Architecture) -> str:
    return FAMILIES[architecture.family].activation or architecture.activation
