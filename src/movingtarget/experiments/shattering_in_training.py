"""Experiment: do gradients stay shattered while a network learns?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget import work
from movingtarget.arms import ARM, measuring_jobs
from movingtarget.data.load import Images
from movingtarget.measures.autocorrelation import gradient_autocorrelation
from movingtarget.measures.gradient_correlation import gradient_correlation
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.paths import straight_line
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, build
from movingtarget.settings import at_least, of_test_images, of_training_images
from movingtarget.study import Config, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.arms import architecture_of
from movingtarget.work import Data, Work


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """At every snapshot: statistics, gradients at images and along lines between them."""
    arm, examples, seeds = settings["arm"], settings["examples"], len(settings["seeds"])
    width, depth = settings["hidden_width"], arm["depth"]
    network = work.perceptron(arm["network"], data.pixels, width, depth, data.classes)
    ladder = config["depth_ladder"]
    snapshots: int = ladder["epochs"] + 1 + len(ladder["snapshot_steps"])
    statistics = work.forward(network, seeds, 10 * examples if "batch-norm" in arm["network"] else 0)
    lines = settings["lines"] * work.input_gradients(network, seeds, settings["points"])
    return snapshots * work.total([statistics, work.input_gradients(network, seeds, examples), lines])


STUDY = Study(
    rule="measure_shattering_in_training",
    settings={
        "examples": {**of_training_images(times=10), **of_test_images(2)},
        "lines": of_test_images(times=2),
        "points": at_least(3),
    },
    tables={
        "shattering_in_training": {
            **ARM,
            "seed": int,
            "step": int,
            "quantity": ("correlation", "line_autocorrelation", "gradient_norm"),
            "value": MEASURED,
        }
    },
    jobs=lambda config: measuring_jobs("shattering_in_training", "depth_ladder", config),
    images=True,
    accelerated=True,
    members="depth_ladder",
    work=counted,
)


def measure(
    arm: Mapping[str, Any],
    members: dict[int, Parameters],
    images: Images,
    seeds: Sequence[int],
    hidden_width: int,
    activation: str,
    examples: int,
    lines: int,
    points: int,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Rows of table shattering_in_training of one arm: every snapshot, seed and quantity.

    Input gradients of the summed outputs on the first `examples` test images, their correlation and norm; and
    the autocorrelation at lag 1 of the slope along straight lines between test images, the mean of `lines`.
    Normalisation layers use the statistics of training images, ten times as many as `examples`. Raises
    ValueError if there are fewer than two test images a line.
    """
    sizes = {"hidden_width": hidden_width, "activation": activation}
    network = build(architecture_of(arm, images, sizes)).to(images.device)
    if lines > (most := len(images.test_inputs) // 2):
        raise ValueError(f"lines is {lines}; allowed: at most {most}, two test images a line")
    rows = []
    for step, parameters in members.items():
        statistics = population_statistics(
            network, parameters, images.train_inputs[: 10 * examples], stacked=True
        )
        gradients = input_gradients(
            network, parameters, images.test_inputs[:examples], statistics, stacked=True
        )
        measured = gradient_correlation(gradients, stacked=True)
        quantities = {
            "correlation": measured.correlation,
            "gradient_norm": measured.norm,
            "line_autocorrelation": _line_memory(network, parameters, statistics, images, lines, points),
        }
        rows += [
            {"step": step, "seed": seed, "quantity": quantity, "value": value}
            for quantity, values in quantities.items()
            for seed, value in zip(seeds, values.tolist(), strict=True)
        ]
    return {"shattering_in_training": pd.DataFrame(rows).assign(**arm)}


def _line_memory(
    network: nn.Module,
    parameters: Parameters,
    statistics: Parameters,
    images: Images,
    lines: int,
    points: int,
) -> Tensor:
    """Autocorrelation at lag 1 along lines between successive test images, a mean for each member.

    NaN where the slope is constant along a line (undefined), as a linear network's is.
    """
    memories = []
    for start, end in images.test_inputs[: 2 * lines].view(lines, 2, -1):
        path = straight_line(start, end, points)
        gradients = input_gradients(network, parameters, path, statistics, stacked=True)
        # not differences of the path's rounded points, which make a constant slope vary; in single precision
        # at the end, for equal gradients to have equal slopes
        slopes = (gradients.double() * (end - start)).sum(-1).float()
        memories.append(gradient_autocorrelation(slopes.double(), 1)[..., 1])
    return torch.stack(memories).mean(0)
