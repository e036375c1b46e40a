"""Experiment: how fast the slope of random networks forgets along paths of real images."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.measures.autocorrelation import gradient_autocorrelation
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.paths import rotation, shift, slopes_along, straight_line
from movingtarget.measures.population import population_statistics
from movingtarget.networks.initialise import generator
from movingtarget.networks.random import described, random_network
from movingtarget.networks.stack import Parameters, stack
from movingtarget.settings import (
    COUNT,
    LINE_NETWORK,
    RANDOM_NETWORK,
    SEEDS,
    at_least,
    problems_of_networks,
    several,
)
from movingtarget.statistics.rows import lag_rows
from movingtarget.study import Config, Settings, Study, one_job
from movingtarget.tables import MEASURED
from movingtarget.work import NOTHING, Data, Work


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Every random network, its statistics, and gradients along three paths with either statistics."""
    found = NOTHING
    for description in settings["networks"]:
        network = work.on_a_line(description, settings["width"], settings["depth"], data.pixels)
        found += work.drawn(network, 1) + 6 * work.input_gradients(network, 1, settings["points"])
        found += work.forward(network, 1, POPULATION if description["normalisation"] == "batch-norm" else 0)
    return len(settings["seeds"]) * found


STUDY = Study(
    rule="measure_image_paths",
    settings={
        "seeds": SEEDS,
        "width": COUNT,
        "depth": COUNT,
        "points": at_least(3),
        "lags": COUNT,
        "rotation_degrees": {"type": "number", "exclusiveMinimum": 0, "maximum": 180},
        "shift_share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "networks": several(LINE_NETWORK),
    },
    tables={
        "path_autocorrelation": {
            "path": ("straight line", "rotation", "shift"),
            "statistics": ("path", "images"),
            **RANDOM_NETWORK,
            "seed": int,
            "lag": int,
            "value": MEASURED,
        }
    },
    jobs=one_job("image_paths"),
    problems=problems_of_networks("image_paths"),
    images=True,
    work=counted,
)

POPULATION = 1000
"""Training images whose statistics stand for all."""


def measure(
    images: Images,
    seeds: Sequence[int],
    width: int,
    depth: int,
    points: int,
    lags: int,
    rotation_degrees: float,
    shift_share: float,
    networks: Sequence[dict[str, Any]],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table path_autocorrelation: each seed has its own network and its own two test images.

    Batch statistics are those of the path's own points, as on the paper's line, or of training images, as a
    network in use has them.
    """
    frames = []
    for network in networks:
        say(" ".join(map(str, network.values())))
        for seed in seeds:
            made = random_network(
                **described(network), depth=depth, width=width, seed=seed, inputs=images.features
            )
            parameters = stack([made])
            population = population_statistics(
                made, parameters, images.train_inputs[:POPULATION], stacked=True
            )
            choices: dict[str, Parameters | None] = {"path": None, "images": population}
            for path_name, path in _paths(images, seed, points, rotation_degrees, shift_share).items():
                for name, statistics in choices.items():
                    gradients = input_gradients(made, parameters, path, statistics, stacked=True)
                    values = gradient_autocorrelation(slopes_along(gradients, path).double(), lags)
                    rows = lag_rows(values, [seed], **described(network), depth=depth)
                    frames.append(rows.assign(path=path_name, statistics=name))
    return {"path_autocorrelation": pd.concat(frames, ignore_index=True)}


def _paths(images: Images, seed: int, points: int, degrees: float, share: float) -> dict[str, Tensor]:
    order = torch.randperm(len(images.test_inputs), generator=generator(seed, "paths"))
    start, end = images.test_inputs[order[:2]]
    return {
        "straight line": straight_line(start, end, points),
        "rotation": rotation(start, degrees, points),
        "shift": shift(start, share, points),
    }
