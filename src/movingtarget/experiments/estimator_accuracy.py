"""Experiment: every estimator of mutual information on samples whose information is known."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from movingtarget import work
from movingtarget.estimators import ESTIMATORS, estimated
from movingtarget.measures.mutual_information.by_name import estimate, information_through_noise
from movingtarget.measures.mutual_information.channel import noise_like, scaled
from movingtarget.measures.mutual_information.estimate import Estimate
from movingtarget.networks.initialise import generator
from movingtarget.settings import COUNTS, POSITIVE, SEEDS, at_least, several
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, Column, follows
from movingtarget.theory.known_information import (
    decaying_variances,
    read_twice,
    read_with_magnitude,
    uniform_with_uniform_noise,
)
from movingtarget.work import Data, Work

TASKS = ("gaussian", "decaying", "absolute", "cubed", "uniform", "permuted")

AS_THEY_COME = ("cubed", "uniform")
"""Tasks whose samples have noise that is not, or no longer, Gaussian: no estimator can be told of it."""

IN_NATS = tuple(name for name, estimator in ESTIMATORS.items() if estimator.in_nats)


def jobs(config: Config) -> list[Job]:
    """One, of all estimators of information."""
    return [Job("", config["estimator_accuracy"], estimators=IN_NATS)]


def problems(config: Config) -> Iterator[str]:
    """A covariance of both layers wants more examples than they have columns."""
    settings = config["estimator_accuracy"]
    columns = 2 * max(settings["dimensions"])
    if settings["examples"] <= columns:
        yield (
            f"estimator_accuracy.examples is {settings['examples']}; allowed: more than {columns}, twice the "
            "largest of estimator_accuracy.dimensions"
        )


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Distances of all pairs of examples, by every column, and the rest of the estimators' work."""
    examples, dimensions = settings["examples"], settings["dimensions"]
    times = len(settings["seeds"]) * len(settings["noises"]) * len(TASKS)
    return times * work.total([estimated(IN_NATS, examples, columns) for columns in dimensions])


STUDY = Study(
    rule="measure_estimator_accuracy",
    settings={
        "seeds": SEEDS,
        "examples": at_least(4),  # for three neighbours
        "dimensions": COUNTS,
        "noises": several(POSITIVE),
    },
    tables={
        "estimator_accuracy": {
            "task": TASKS,
            "dimension": int,
            "noise": float,
            "estimator": IN_NATS,
            "seed": int,
            "truth": follows(float),
            "value": MEASURED,
            "relative": MEASURED,
            "ceiling": MEASURED,
            "saturated": Column(int, "measured"),
        }
    },
    jobs=jobs,
    problems=problems,
    work=counted,
)


class Pair(NamedTuple):
    """Samples `(examples, dimension)` of both sides."""

    below: Tensor
    above: Tensor


def measure(
    seeds: Sequence[int],
    examples: int,
    dimensions: Sequence[int],
    noises: Sequence[float],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table estimator_accuracy: every task, dimension and noise with the estimators that can take part.

    `relative` is an estimate over the truth, NaN where that is 0; `saturated` is 1 or 0. `noise` is the
    deviation of the channel's, relative to a layer's size, or of task uniform half the width of the noise.
    """
    parts = []
    for task, dimension, noise in product(TASKS, dimensions, noises):
        say(f"{task}, {dimension} units, noise {noise:g}")
        parts.append(estimates(task, taking_part(task), seeds, examples, dimension, noise))
    return {"estimator_accuracy": pd.concat(parts, ignore_index=True)}


def taking_part(task: str) -> list[str]:
    """Estimators of information that can be shown a task's samples."""
    return [name for name in IN_NATS if not (ESTIMATORS[name].adds_noise and task in AS_THEY_COME)]


def estimates(
    task: str, estimators: Sequence[str], seeds: Sequence[int], examples: int, dimension: int, noise: float
) -> pd.DataFrame:
    """Rows of table estimator_accuracy, of one task at one dimension and noise."""
    settings = {"task": task, "dimension": dimension, "noise": noise, "truth": truth(task, dimension, noise)}
    rows = []
    for seed in seeds:
        pair = samples(task, examples, dimension, noise, seed)
        rows += [
            settings | {"estimator": name, "seed": seed} | _said(task, name, pair, noise, seed)
            for name in estimators
        ]
    table = pd.DataFrame(rows)
    return table.assign(relative=(table["value"] / table["truth"]).where(table["truth"] > 0))


def truth(task: str, dimension: int, noise: float) -> float:
    """The information between both sides of a task, in nats.

    >>> truth("permuted", 48, 0.1)
    0.0
    """
    if task == "permuted":
        return 0.0
    if task == "decaying":
        return read_twice(decaying_variances(dimension), noise)
    if task == "absolute":
        return dimension * read_with_magnitude(noise)
    return dimension * (uniform_with_uniform_noise(noise) if task == "uniform" else read_twice([1.0], noise))


def samples(task: str, examples: int, dimension: int, noise: float, seed: int) -> Pair:
    """Both sides of a task: layers, to be read through the channel; `AS_THEY_COME` have noise already."""
    source = generator(seed, "samples")
    if task == "uniform":
        drawn = torch.rand(2, examples, dimension, generator=source, dtype=torch.double)
        return Pair(drawn[0], drawn[0] + noise * (2 * drawn[1] - 1))
    layer = torch.randn(examples, dimension, generator=source, dtype=torch.double)
    if task == "decaying":
        layer *= torch.from_numpy(decaying_variances(dimension)).sqrt()
        directions = torch.randn(dimension, dimension, generator=source, dtype=torch.double)
        return Pair(layer, layer @ torch.linalg.qr(directions)[0])
    if task == "absolute":
        return Pair(layer, layer.abs())
    if task == "cubed":
        readings = [scaled(layer, "deviation") + noise * noise_like(layer, source) for _ in range(2)]
        return Pair(*(reading**3 for reading in readings))
    return Pair(layer, layer[torch.randperm(examples, generator=source)] if task == "permuted" else layer)


def _said(task: str, estimator: str, pair: Pair, noise: float, seed: int) -> dict[str, float]:
    found: Estimate = (
        estimate(estimator, *pair)
        if task in AS_THEY_COME
        else information_through_noise(
            *pair, estimator=estimator, noise=noise, scaling="deviation", seed=seed
        )
    )
    return {"value": found.value, "ceiling": found.ceiling, "saturated": int(found.saturated)}
