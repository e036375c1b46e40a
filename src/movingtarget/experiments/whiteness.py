"""Experiment: whether the slopes of deep random networks can be told from white noise."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from movingtarget import work
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.paths import line
from movingtarget.measures.whiteness import low_frequencies, outer_power, portmanteau
from movingtarget.networks.random import described, random_network
from movingtarget.networks.stack import stack
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
from movingtarget.tables import MEASURED
from movingtarget.work import Data, Work

LEVEL = 0.05
"""Of the test: a series whose p-value lies below it is rejected."""

QUANTITIES = ("rejected", "statistic", "low_frequencies", "outer_power")

STACK = 20
"""Networks at a time, for their gradients to fit into memory."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Gradients along the line of every network and depth, by stacks."""
    made = [
        work.on_a_line(network, settings["width"], depth)
        for network in settings["networks"]
        for depth in settings["depths"]
    ]
    members = min(STACK, len(settings["seeds"]))
    together = work.total(
        [
            work.drawn(network, members) + work.input_gradients(network, members, settings["points"])
            for network in made
        ]
    )
    return len(settings["seeds"]) / members * together


STUDY = Study(
    rule="measure_whiteness",
    settings={
        "seeds": SEEDS,
        "width": COUNT,
        "points": at_least(5),
        "half_width": POSITIVE,
        "lags": COUNT,
        "depths": COUNTS,
        "networks": several(LINE_NETWORK),
    },
    tables={
        "whiteness": {**RANDOM_NETWORK, "quantity": QUANTITIES, "seed": int, "value": MEASURED},
        "noise_whiteness": {"quantity": QUANTITIES, "seed": int, "value": MEASURED},
    },
    jobs=one_job("whiteness"),
    problems=problems_of_networks("whiteness"),
    work=counted,
)


def measure(
    seeds: Sequence[int],
    width: int,
    points: int,
    half_width: float,
    lags: int,
    depths: Sequence[int],
    networks: Sequence[dict[str, Any]],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table whiteness of every network and depth on the line, and noise_whiteness of true white noise.

    A quantity is whether a series is rejected (0 or 1, by the portmanteau test at 5 % over all lags), the
    test's statistic over the number of lags, and the power in low frequencies and in the outer half of the
    line.
    """
    inputs = line(points, half_width)
    frames = []
    for description in map(described, networks):
        for depth in depths:
            say(f"{description['network']}, normalisation {description['normalisation']}, depth {depth}")
            slopes = torch.cat(
                [
                    _slopes(description, depth, width, seeds[first : first + STACK], inputs)
                    for first in range(0, len(seeds), STACK)
                ]
            )
            frames.append(whiteness_rows(slopes, seeds, lags).assign(**description, depth=depth))
    noise = np.stack([np.random.default_rng([seed, 2]).standard_normal(points) for seed in seeds])
    return {
        "whiteness": pd.concat(frames, ignore_index=True),
        "noise_whiteness": whiteness_rows(torch.from_numpy(noise), seeds, lags),
    }


def whiteness_rows(series: Tensor, seeds: Sequence[int], lags: int) -> pd.DataFrame:
    """A row for each quantity and each of the series `(seeds, points)`; NaN where one is constant."""
    statistic, p_value = portmanteau(series, lags)
    values = {
        "rejected": torch.where(p_value.isnan(), torch.nan, (p_value < LEVEL).double()),
        "statistic": statistic / lags,
        "low_frequencies": low_frequencies(series),
        "outer_power": outer_power(series),
    }
    frames = [
        pd.DataFrame({"quantity": quantity, "seed": [*seeds], "value": of_seeds.numpy()})
        for quantity, of_seeds in values.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _slopes(
    description: dict[str, Any], depth: int, width: int, seeds: Sequence[int], inputs: Tensor
) -> Tensor:
    networks = [random_network(**description, depth=depth, width=width, seed=seed) for seed in seeds]
    return input_gradients(networks[0], stack(networks), inputs, stacked=True)[..., 0]
