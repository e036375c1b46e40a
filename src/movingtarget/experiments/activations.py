"""Experiment: activation patterns of random rectifier networks (Balduzzi et al. 2017, figures 3 and 4)."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget import work
from movingtarget.measures.activation import active_share, co_active_share, mean_run_length
from movingtarget.measures.capture import capture
from movingtarget.measures.paths import line
from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import generator, initialise
from movingtarget.networks.random import described, random_network
from movingtarget.networks.residual import Residual
from movingtarget.settings import (
    COUNT,
    COUNTS,
    LINE_NETWORK,
    POSITIVE,
    RANDOM_NETWORK,
    SEEDS,
    at_least,
    problems_of_networks,
    several,
)
from movingtarget.study import Config, Settings, Study, one_job
from movingtarget.tables import MEASURED, follows
from movingtarget.work import Data, Work


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Every network and its patterns, of normal inputs at the largest depth, on the line at every depth."""
    width, inputs, points = (settings[key] for key in ("width", "inputs", "points"))
    networks, depths = settings["networks"], settings["depths"]
    deepest = [work.on_a_line(network, width, max(depths), width) for network in networks]
    lines = [work.on_a_line(network, width, depth) for network in networks for depth in depths]
    seeds = len(settings["seeds"])
    return seeds * work.total(
        [
            *(work.drawn(network, 1) + 3 * work.forward(network, 1, inputs) for network in deepest),
            *(work.drawn(network, 1) + work.forward(network, 1, points) for network in lines),
        ]
    )


STUDY = Study(
    rule="measure_activations",
    settings={
        "seeds": SEEDS,
        "width": COUNT,
        "points": at_least(2),
        "half_width": POSITIVE,
        "inputs": at_least(2),
        "depths": COUNTS,
        "networks": several(LINE_NETWORK),
    },
    tables={
        "activation_shares": {
            **{column: kind for column, kind in RANDOM_NETWORK.items() if column != "depth"},
            "layer": int,
            "seed": int,
            "quantity": ("active", "co-active"),
            "value": MEASURED,
        },
        "activation_patterns": {**RANDOM_NETWORK, "seed": int, "unit": int, "pattern": follows(str)},
        "contiguity": {
            **RANDOM_NETWORK,
            "seed": int,
            "quantity": ("share", "class", "breadth", "two_fullest"),
            "bin": int,
            "value": MEASURED,
        },
    },
    jobs=one_job("activations"),
    problems=problems_of_networks("activations"),
    work=counted,
)

BINS = 10
"""Equal bins of the run length as a share of the line: bin b holds lengths in ((b - 1) / 10, b / 10].

A unit of n runs has a length of 1 / n, so bins 6 to 9 stay empty whatever the network, and all units of 10
runs or more share the lowest. How broad a distribution is, is told from classes that double instead, class k
holding units of more than 2^(k-1) and at most 2^k runs.
"""

UNITS_DRAWN = 60
"""Units whose patterns are kept, the first ones of the layer."""


def measure(
    seeds: Sequence[int],
    width: int,
    points: int,
    half_width: float,
    inputs: int,
    depths: Sequence[int],
    networks: Sequence[dict[str, Any]],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Tables activation_shares, activation_patterns and contiguity, all at initialisation.

    Layers count from 1 at the lowest; the blocks of a residual network are its layers.

    Args:
        seeds: of the networks and the normal inputs; patterns are kept for the first alone.
        width: units in each layer, and dimension of the normal inputs.
        points: inputs on the line, for contiguity and patterns.
        half_width: the line is [-half_width, half_width].
        inputs: independent normal inputs, for shares.
        depths: hidden layers (feedforward) or stem and blocks (residual); shares are of the deepest alone.
        networks: `network`, `normalisation` and, if residual, `beta` of each.
        say: told of progress, once for each network and depth.

    Raises:
        ValueError: a residual network without a block.
    """
    on_the_line = line(points, half_width)
    shares, patterns, contiguity = [], [], []
    for description in map(described, networks):
        name = f"{description['network']}, normalisation {description['normalisation']}"
        say(f"{name}, {max(depths)} layers, normal inputs")
        for seed in seeds:
            pattern = _pattern_of_normal_inputs(
                **description, depth=max(depths), width=width, inputs=inputs, seed=seed
            )
            shares += [description | {"seed": seed} | row for row in _share_rows(pattern)]
        for depth in depths:
            say(f"{name}, {depth} layers, line")
            for seed in seeds:
                network = random_network(**description, depth=depth, width=width, seed=seed)
                pattern = activation_patterns(network, on_the_line)[-1]
                key = description | {"depth": depth, "seed": seed}
                contiguity += [key | row for row in _contiguity_rows(pattern)]
                if seed == seeds[0]:
                    patterns += [key | row for row in _pattern_rows(pattern)]
    return {
        "activation_shares": pd.DataFrame(shares),
        "activation_patterns": pd.DataFrame(patterns),
        "contiguity": pd.DataFrame(contiguity),
    }


@torch.no_grad()
def activation_patterns(network: nn.Module, inputs: Tensor) -> Tensor:
    """Whether each unit that enters a rectifier is positive, `(layers, inputs, units)`, lowest layer first.

    Rectifiers in a residual network's stem, and before its output layer, are left out.

    Args:
        network: a feedforward or residual network of rectifiers; normalisation layers use batch statistics
            while it is in training mode, as it is when new.
        inputs: `(inputs, features)`.

    Raises:
        ValueError: a residual network without a block.
    """
    first = 1 if isinstance(network, Residual) else 0
    layers = list(network.get_submodule("hidden").children())[first:]
    rectifiers = [part for layer in layers for part in layer.modules() if isinstance(part, nn.ReLU)]
    if not rectifiers:
        raise ValueError("activation patterns need a hidden layer of rectifiers, which depth 1 has not")
    named = {str(place): part for place, part in enumerate(rectifiers)}
    with capture(named, lambda pre_activation, _: pre_activation > 0) as seen:
        network(inputs)
    return torch.stack(list(seen.values()))


def _pattern_of_normal_inputs(
    network: str, normalisation: str, beta: float, depth: int, width: int, inputs: int, seed: int
) -> Tensor:
    if network == "feedforward":
        made: nn.Module = Feedforward(width, width, depth, 1, "relu", normalisation)
    else:
        made = Residual(width, width, depth, 1, "relu", normalisation, beta)
    drawn = torch.randn(inputs, width, generator=generator(seed, "inputs"))
    return activation_patterns(initialise(made, seed, "relu"), drawn)


def _share_rows(pattern: Tensor) -> Iterator[dict[str, Any]]:
    """Shares of every layer of a pattern `(layers, inputs, units)`."""
    for quantity, share in {"active": active_share, "co-active": co_active_share}.items():
        for layer, value in enumerate(share(pattern).tolist(), start=1):
            yield {"layer": layer, "quantity": quantity, "value": value}


def _contiguity_rows(pattern: Tensor) -> Iterator[dict[str, Any]]:
    """Histograms over units of the run length and of classes, and how broad the latter is."""
    points, units = pattern.shape
    lengths = mean_run_length(pattern) / points
    bins = (BINS * lengths).ceil().long()
    shares = torch.bincount(bins, minlength=BINS + 1)[1:].double() / units
    for place, share in enumerate(shares.tolist(), start=1):
        yield {"quantity": "share", "bin": place, "value": share}
    classes = _class_shares(pattern)
    for place, share in enumerate(classes.tolist()):
        yield {"quantity": "class", "bin": place, "value": share}
    for quantity, value in {
        "breadth": torch.special.entr(classes).sum().exp(),
        "two_fullest": classes.topk(min(2, len(classes))).values.sum(),
    }.items():
        yield {"quantity": quantity, "bin": 0, "value": value.item()}


def _class_shares(pattern: Tensor) -> Tensor:
    """Share of units in each class; the last class holds those of as many runs as points."""
    points, units = pattern.shape
    most = math.ceil(math.log2(points))
    runs = points / mean_run_length(pattern)
    classes = runs.round().log2().ceil().long()
    return torch.bincount(classes, minlength=most + 1).double() / units


def _pattern_rows(pattern: Tensor) -> Iterator[dict[str, Any]]:
    """The first units of a pattern `(points, units)` as texts of 0 and 1, one character a point."""
    for unit, active in enumerate(pattern.mT[:UNITS_DRAWN].int().tolist(), start=1):
        yield {"unit": unit, "pattern": "".join(map(str, active))}
