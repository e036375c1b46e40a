"""Experiment: moments of gradients against depth, with random gates and with rectifiers (theorems 1 to 3)."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import torch
from torch import nn

from movingtarget import work
from movingtarget.measures.gradient_correlation import gradient_correlation
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.networks.feedforward import FeedforwardLayer
from movingtarget.networks.initialise import generator, initialise
from movingtarget.networks.layers import Linear, RandomGates
from movingtarget.networks.random import described
from movingtarget.networks.residual import ResidualBlock
from movingtarget.settings import (
    COUNT,
    COUNTS,
    NORMALISATION,
    POSITIVE,
    SEEDS,
    at_least,
    choice,
    mapping,
    names_of,
    problems_of_networks,
    several,
)
from movingtarget.statistics.ratio_of_averages import ratio_of_averages
from movingtarget.study import Config, Settings, Study, one_job
from movingtarget.tables import MEASURED, OPTIONAL
from movingtarget.work import Data, Work

ARCHITECTURES = ("feedforward", "residual", "highway")
GATES = ("random", "rectifier")


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Every random network, one after the other, and its gradients at its inputs."""
    width, inputs = settings["width"], settings["inputs"]
    made = [
        work.on_a_line(network, width, depth, width)
        for network in settings["networks"]
        for depth in settings["depths"]
    ]
    return len(settings["seeds"]) * work.total(
        [work.drawn(network, 1) + work.input_gradients(network, 1, inputs) for network in made]
    )


STUDY = Study(
    rule="measure_gradient_correlation",
    settings={
        "seeds": SEEDS,
        "width": COUNT,
        "inputs": at_least(2),
        "depths": COUNTS,
        "networks": several(
            mapping(
                {"network": choice(*ARCHITECTURES), "normalisation": NORMALISATION, "gates": choice(*GATES)},
                {"beta": POSITIVE},
            )
        ),
    },
    tables={
        "gradient_correlation": {
            "network": ARCHITECTURES,
            "normalisation": names_of(NORMALISATION),
            "gates": GATES,
            "depth": int,
            "beta": OPTIONAL,
            "seed": int,
            "variance": MEASURED,
            "covariance": MEASURED,
            "correlation": MEASURED,
            "gradient_norm": MEASURED,
        }
    },
    jobs=one_job("gradient_correlation"),
    problems=problems_of_networks("gradient_correlation"),
    work=counted,
)


def measure(
    seeds: Sequence[int],
    width: int,
    inputs: int,
    depths: Sequence[int],
    networks: Sequence[dict[str, Any]],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table gradient_correlation: every network, depth and seed, on independent standard normal inputs.

    Gradients are those of one output with respect to the network's input, as wide as its layers. Variance and
    covariance are averages over units, and over inputs or pairs of different inputs. The correlation is the
    ratio of their averages over seeds, too: a row holds what its seed adds to it (see `ratio_of_averages`).
    """
    frames = []
    for network in networks:
        for depth in depths:
            say(f"{' '.join(map(str, network.values()))}, depth {depth}")
            rows = pd.DataFrame([_moments(network, depth, width, inputs, seed) for seed in seeds])
            correlation = ratio_of_averages(rows["covariance"], rows["variance"])
            frames.append(rows.assign(**described(network), depth=depth, seed=seeds, correlation=correlation))
    return {"gradient_correlation": pd.concat(frames, ignore_index=True)}


def theorem_network(
    network: str, normalisation: str, gates: str, beta: float, depth: int, width: int, seed: int
) -> nn.Module:
    """A network of `depth` equal layers or blocks and one output; its weights are normal, its biases zero.

    Weights have variance 2 / width, those of the output 1. The output reads the last layer through weights of
    mean zero, as classifiers do: the sum of rectified units would be no neutral probe, for it is aligned with
    their gates, E[1(w x > 0) w] pointing along x.

    A highway block is sqrt(1 - 1/depth) x + sqrt(1/depth) W f(x), as corollary 1 asks; then beta is unused.
    """
    layers = (_layer(network, normalisation, beta, depth, width) for _ in range(depth))
    output = Linear(width, 1)
    made = nn.Sequential(*layers, output)
    if gates == "random":
        _replace_rectifiers(made, RandomGates(generator(seed, "gates")))
    initialise(made, seed, "relu")
    nn.init.normal_(output.weight, generator=generator(seed, "read-out"))
    return made


def _layer(network: str, normalisation: str, beta: float, depth: int, width: int) -> nn.Module:
    if network == "feedforward":
        return FeedforwardLayer(Linear(width, width), width, "relu", normalisation)
    if network == "highway":
        return ResidualBlock(width, "relu", normalisation, beta=depth**-0.5, skip=(1 - 1 / depth) ** 0.5)
    return ResidualBlock(width, "relu", normalisation, beta)


def _replace_rectifiers(body: nn.Module, gates: nn.Module) -> None:
    for parent in list(body.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU):
                setattr(parent, name, gates)


def _moments(network: dict[str, Any], depth: int, width: int, inputs: int, seed: int) -> dict[str, float]:
    made = theorem_network(**described(network), depth=depth, width=width, seed=seed)
    drawn = torch.randn(inputs, width, generator=generator(seed, "inputs"))
    measured = gradient_correlation(input_gradients(made, {}, drawn))
    norm = measured.norm.item()
    variance = norm**2 / width
    covariance = measured.correlation.item() * variance if variance else 0.0
    return {"variance": variance, "covariance": covariance, "gradient_norm": norm}
