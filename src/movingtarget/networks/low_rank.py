"""Feedforward networks whose hidden weights are products of two factors, of a rank below the width."""

from typing import TYPE_CHECKING

from torch import nn

from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.layers import Linear

if TYPE_CHECKING:
    from movingtarget.networks.build import Architecture

SHARE = 4
"""The width is so many times the rank."""


class OuterFactor(Linear):
    """V of V U x + b: its inputs come from no activation, so the gain of its initial weights is 1."""

    activated = False


def low_rank_map(inputs: int, outputs: int, rank: int) -> nn.Module:
    """The affine map V U x + b, U being `(rank, inputs)` and V `(outputs, rank)`, with nothing in between.

    With initial weights of mean square g / inputs in U and 1 / rank in V, one of V U has
    rank x (g / inputs) x (1 / rank) = g / inputs, that of a `Linear` layer.

    >>> low_rank_map(8, 6, rank=2)
    Sequential(
      (0): Linear(in_features=8, out_features=2, bias=False)
      (1): OuterFactor(in_features=2, out_features=6, bias=True)
    )
    """
    return nn.Sequential(Linear(inputs, rank, bias=False), OuterFactor(rank, outputs))


def low_rank(architecture: "Architecture") -> nn.Module:
    """The plain network with hidden weights of rank width // 4, at least 1."""
    inputs, width, depth = architecture.inputs, architecture.width, architecture.depth
    rank = max(1, width // SHARE)
    affine = [low_rank_map(below, width, rank) for below in [inputs] + [width] * (depth - 1)]
    return Feedforward(inputs, width, depth, architecture.outputs, architecture.activation, affine=affine)
