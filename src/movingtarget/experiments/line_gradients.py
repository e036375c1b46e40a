"""Experiment: input gradients of random networks along a line (Balduzzi et al. 2017, figures 1 and 2)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from movingtarget import work
from movingtarget.measures.autocorrelation import gradient_autocorrelation
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.paths import line
from movingtarget.networks.random import described, random_network
from movingtarget.networks.stack import stack
from movingtarget.settings import (
    ARCHITECTURE,
    COUNT,
    COUNTS,
    LINE_NETWORK,
    NORMALISATION,
    POSITIVE,
    RANDOM_NETWORK,
    SEEDS,
    at_least,
    mapping,
    problems_of_networks,
    several,
)
from movingtarget.statistics.rows import lag_rows
from movingtarget.study import Config, Settings, Study, one_job
from movingtarget.tables import MEASURED, OPTIONAL
from movingtarget.work import Data, Work

VARIANTS: dict[str, dict[str, Any]] = {
    "stream read out": {},
    "rectifier before the output": {"rectified_output": True},
    "blocks of two layers": {"block_layers": 2},
}
"""Readings of the paper's residual network: options of `Residual`."""

NOISES = ("white", "brown")
LINE = {**RANDOM_NETWORK, "seed": int}


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Gradients along the line, all seeds in a stack, of every network at every depth and of the variants."""
    width, depths, seeds = settings["width"], settings["depths"], len(settings["seeds"])
    made = [work.on_a_line(network, width, depth) for network in settings["networks"] for depth in depths]
    residual = [network for network in settings["networks"] if network.get("normalisation") == "batch-norm"]
    variants = [network for network in residual if "beta" in network]
    made += len(VARIANTS) * [work.on_a_line(network, width, max(depths)) for network in variants]
    return work.total(
        [
            work.drawn(network, seeds) + work.input_gradients(network, seeds, settings["points"])
            for network in made
        ]
    )


STUDY = Study(
    rule="measure_line_gradients",
    settings={
        "seeds": SEEDS,
        "width": COUNT,
        "points": at_least(2),
        "half_width": POSITIVE,
        "lags": COUNT,
        "depths": COUNTS,
        "networks": several(LINE_NETWORK),
        "drawn": several(
            mapping(
                {"network": ARCHITECTURE, "normalisation": NORMALISATION, "depth": COUNT}, {"beta": POSITIVE}
            )
        ),
    },
    tables={
        "gradients_on_a_line": {**LINE, "input": float, "value": MEASURED},
        "noise_on_a_line": {"noise": NOISES, "seed": int, "input": float, "value": MEASURED},
        "gradient_autocorrelation": {**LINE, "lag": int, "value": MEASURED},
        "noise_autocorrelation": {"noise": NOISES, "seed": int, "lag": int, "value": MEASURED},
        "residual_variants": {
            "variant": tuple(VARIANTS),
            "depth": int,
            "beta": OPTIONAL,
            "seed": int,
            "lag": int,
            "value": MEASURED,
        },
    },
    jobs=one_job("line_gradients"),
    problems=problems_of_networks("line_gradients"),
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
    drawn: Sequence[dict[str, Any]],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """All tables of this experiment, for settings as in the config section line_gradients."""
    betas = [
        network["beta"]
        for network in networks
        if network.get("normalisation") == "batch-norm" and "beta" in network
    ]
    return {
        "gradients_on_a_line": gradient_rows(drawn, width, seeds[0], points, half_width),
        "noise_on_a_line": noise_series_rows(seeds[0], points, half_width),
        "noise_autocorrelation": noise_rows(seeds, points, lags),
        "gradient_autocorrelation": autocorrelation_rows(
            networks, depths, width, seeds, points, half_width, lags, say
        ),
        "residual_variants": variant_rows(betas, max(depths), width, seeds, points, half_width, lags, say),
    }


def line_gradients(
    description: dict[str, Any], depth: int, width: int, seeds: Sequence[int], inputs: Tensor, **variant: Any
) -> Tensor:
    """df/dx at every point for every seed, `(seeds, points)`; `description` as in the config."""
    networks = [
        random_network(**described(description), depth=depth, width=width, seed=seed, **variant)
        for seed in seeds
    ]
    return input_gradients(networks[0], stack(networks), inputs, stacked=True)[..., 0]


def autocorrelation_rows(
    networks: Sequence[dict[str, Any]],
    depths: Sequence[int],
    width: int,
    seeds: Sequence[int],
    points: int,
    half_width: float,
    lags: int,
    say: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Table gradient_autocorrelation: every network and depth, every seed, lags 0 to `lags`."""
    inputs = line(points, half_width)
    frames = []
    for description in networks:
        for depth in depths:
            say(f"{' '.join(map(str, description.values()))}, depth {depth}")
            gradients = line_gradients(description, depth, width, seeds, inputs)
            values = gradient_autocorrelation(gradients.double(), lags)
            frames.append(lag_rows(values, seeds, **described(description), depth=depth))
    return pd.concat(frames, ignore_index=True)


def variant_rows(
    betas: Sequence[float],
    depth: int,
    width: int,
    seeds: Sequence[int],
    points: int,
    half_width: float,
    lags: int,
    say: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Table residual_variants: batch-norm residual networks of one depth, read in every one of `VARIANTS`."""
    inputs = line(points, half_width)
    frames = []
    for beta in betas:
        description = {"network": "residual", "normalisation": "batch-norm", "beta": beta}
        for name, variant in VARIANTS.items():
            say(f"residual, beta {beta}: {name}")
            gradients = line_gradients(description, depth, width, seeds, inputs, **variant)
            values = gradient_autocorrelation(gradients.double(), lags)
            frames.append(lag_rows(values, seeds, variant=name, beta=beta, depth=depth))
    if not frames:
        return pd.DataFrame(columns=[*STUDY.tables["residual_variants"]])
    return pd.concat(frames, ignore_index=True)


def gradient_rows(
    drawn: Sequence[dict[str, Any]], width: int, seed: int, points: int, half_width: float
) -> pd.DataFrame:
    """Table gradients_on_a_line: df/dx at every point for one seed of each network in `drawn`."""
    inputs = line(points, half_width)
    frames = []
    for network in drawn:
        description = {key: value for key, value in network.items() if key != "depth"}
        gradients = line_gradients(description, network["depth"], width, [seed], inputs)[0]
        rows = pd.DataFrame({"input": inputs[:, 0].double(), "value": gradients.double()})
        frames.append(rows.assign(**described(description), depth=network["depth"], seed=seed))
    return pd.concat(frames, ignore_index=True)


def noise_rows(seeds: Sequence[int], points: int, lags: int) -> pd.DataFrame:
    """Table noise_autocorrelation: the rulers, white noise and its running sum (brown noise)."""
    frames = [
        lag_rows(gradient_autocorrelation(values, lags), seeds, noise=noise)
        for noise, values in _noises(seeds, points).items()
    ]
    return pd.concat(frames, ignore_index=True)


def noise_series_rows(seed: int, points: int, half_width: float) -> pd.DataFrame:
    """Table noise_on_a_line: one series of each noise."""
    inputs = line(points, half_width)[:, 0].double()
    frames = [
        pd.DataFrame({"input": inputs, "value": values[0]}).assign(noise=noise, seed=seed)
        for noise, values in _noises([seed], points).items()
    ]
    return pd.concat(frames, ignore_index=True)


def _noises(seeds: Sequence[int], points: int) -> dict[str, Tensor]:
    """White and brown noise, `(seeds, points)` each."""
    generators = [np.random.default_rng([seed, 1]) for seed in seeds]
    white = torch.from_numpy(np.stack([generator.standard_normal(points) for generator in generators]))
    return {"white": white, "brown": white.cumsum(-1)}
