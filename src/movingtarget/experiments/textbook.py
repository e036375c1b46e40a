"""Experiment: a textbook's attempt at figure 2 of Balduzzi et al. 2017, and what single changes do to it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget import work
from movingtarget.measures.autocorrelation import gradient_autocorrelation
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.paths import line
from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import generator
from movingtarget.networks.layers import Linear
from movingtarget.networks.stack import stack
from movingtarget.settings import COUNT, COUNTS, POSITIVE, SEEDS, at_least, choice, several
from movingtarget.statistics.rows import lag_rows
from movingtarget.study import Config, Settings, Study, one_job
from movingtarget.tables import MEASURED
from movingtarget.work import Data, Work

Variance = Literal["1 / width", "2 / fan-in", "0", "1"]


class Setting(NamedTuple):
    """How parameters are drawn, and whether units are centred; the defaults are the textbook's."""

    weights: Variance = "1 / width"
    biases: Variance = "1 / width"
    normalisation: str = "none"


CHANGES = {
    "as it stands": Setting(),
    "He weights": Setting(weights="2 / fan-in"),
    "He biases": Setting(biases="2 / fan-in"),
    "no biases": Setting(biases="0"),
    "biases of variance 1": Setting(biases="1"),
    "mean subtracted": Setting(normalisation="centred"),
}
"""The textbook's setting, and what becomes of it by one change."""

ESTIMATORS = {"mean kept": False, "mean removed": True}
"""The textbook correlates slopes as they are, the paper less their mean."""


def problems(config: Config) -> Iterator[str]:
    """A lag needs two points."""
    lags, points = config["textbook"]["lags"], config["textbook"]["points"]
    if lags >= points:
        yield f"textbook.lags is {lags}; allowed: less than {points}, textbook.points"


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Gradients along the line of every change at every depth, in double precision, as twice the numbers."""
    made = [work.perceptron("plain", 1, settings["width"], depth, 1) for depth in settings["depths"]]
    seeds = 2 * len(settings["seeds"])
    return len(settings["changes"]) * work.total(
        [
            work.drawn(network, seeds) + work.input_gradients(network, seeds, settings["points"])
            for network in made
        ]
    )


STUDY = Study(
    rule="measure_textbook",
    settings={
        "seeds": SEEDS,
        "width": COUNT,
        "points": at_least(2),
        "half_width": POSITIVE,
        "lags": COUNT,
        "depths": COUNTS,
        "changes": several(choice(*CHANGES)),
    },
    tables={
        "textbook_autocorrelation": {
            "change": tuple(CHANGES),
            "estimator": tuple(ESTIMATORS),
            "depth": int,
            "seed": int,
            "lag": int,
            "value": MEASURED,
        }
    },
    jobs=one_job("textbook"),
    problems=problems,
    work=counted,
)


def measure(
    seeds: Sequence[int],
    width: int,
    points: int,
    half_width: float,
    lags: int,
    depths: Sequence[int],
    changes: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table textbook_autocorrelation: every change, estimator, depth, seed and lag.

    In double precision: in the textbook's setting what depends on the input shrinks by half with every layer,
    and what comes from the biases does not.
    """
    inputs = line(points, half_width).double()
    frames = []
    for change in changes:
        for depth in depths:
            say(f"{change}, depth {depth}")
            slopes = textbook_slopes(CHANGES[change], depth, width, seeds, inputs)
            for estimator, mean_removed in ESTIMATORS.items():
                values = gradient_autocorrelation(slopes, lags, mean_removed)
                settings = {"change": change, "estimator": estimator, "depth": depth}
                frames.append(lag_rows(values, seeds, **settings))
    return {"textbook_autocorrelation": pd.concat(frames, ignore_index=True)}


def textbook_slopes(setting: Setting, depth: int, width: int, seeds: Sequence[int], inputs: Tensor) -> Tensor:
    """df/dx at every input for every seed, `(seeds, points)`."""
    networks = [textbook_network(setting, depth, width, seed) for seed in seeds]
    return input_gradients(networks[0], stack(networks), inputs, stacked=True)[..., 0]


def textbook_network(setting: Setting, depth: int, width: int, seed: int) -> nn.Module:
    """`depth` layers of rectifiers from one input to one output; settings scale the same normal numbers.

    Source: Prince 2023, notebook 11.1.
    """
    network = Feedforward(1, width, depth, 1, "relu", setting.normalisation).double()
    source = generator(seed, "textbook")
    for layer in network.modules():
        if isinstance(layer, Linear):
            for values, variance in ((layer.weight, setting.weights), (layer.bias, setting.biases)):
                drawn = torch.randn(values.shape, generator=source, dtype=torch.double)
                with torch.no_grad():
                    values.copy_(drawn * _variance(variance, layer.in_features, width) ** 0.5)
    return network


def _variance(name: Variance, inputs: int, width: int) -> float:
    return {"1 / width": 1 / width, "2 / fan-in": 2 / inputs, "0": 0.0, "1": 1.0}[name]
