"""Experiment: correlation of gradients between real images, layer by layer, before and after training."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from movingtarget import work
from movingtarget.arms import ARM, measuring_jobs
from movingtarget.data.load import Images
from movingtarget.measures.gradient_correlation import gradient_correlation, layer_gradients
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, build
from movingtarget.networks.chain import hidden_layers
from movingtarget.settings import of_test_images, of_training_images
from movingtarget.study import Config, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.arms import architecture_of
from movingtarget.work import Data, Work


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Before and after training: statistics of ten times as many images, and gradients of all layers."""
    arm, examples = settings["arm"], settings["examples"]
    width, depth = settings["hidden_width"], arm["depth"]
    network = work.perceptron(arm["network"], data.pixels, width, depth, data.classes)
    seeds = len(settings["seeds"])
    statistics = work.forward(network, seeds, 10 * examples if "batch-norm" in arm["network"] else 0)
    return 2 * (statistics + work.input_gradients(network, seeds, examples))


STUDY = Study(
    rule="measure_image_gradients",
    settings={"examples": {**of_training_images(times=10), **of_test_images(2)}},
    tables={
        "image_gradients": {
            **ARM,
            "seed": int,
            "stage": ("initialisation", "trained"),
            "layer": int,
            "quantity": ("correlation", "gradient_norm"),
            "value": MEASURED,
        }
    },
    jobs=lambda config: measuring_jobs("image_gradients", "training", config),
    images=True,
    accelerated=True,
    members="training",
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
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Rows of table image_gradients of one arm: first and last snapshot, every hidden layer and seed.

    The gradients are those of the first `examples` test images; normalisation layers use the statistics of
    the first training images, ten times as many.
    """
    sizes = {"hidden_width": hidden_width, "activation": activation}
    network = build(architecture_of(arm, images, sizes)).to(images.device)
    stages = {"initialisation": min(members), "trained": max(members)}
    layers = hidden_layers(network)
    network.eval()
    rows = []
    for stage, step in stages.items():
        parameters = members[step]
        statistics = population_statistics(
            network, parameters, images.train_inputs[: 10 * examples], stacked=True
        )
        gradients = layer_gradients(
            network, parameters | statistics, images.test_inputs[:examples], layers, stacked=True
        )
        for layer, values in enumerate(gradients.values(), start=1):
            measured = gradient_correlation(values, stacked=True)
            quantities = {"correlation": measured.correlation, "gradient_norm": measured.norm}
            rows += [
                {"stage": stage, "layer": layer, "seed": seed, "quantity": quantity, "value": value}
                for quantity, of_seeds in quantities.items()
                for seed, value in zip(seeds, of_seeds.tolist(), strict=True)
            ]
    return {"image_gradients": pd.DataFrame(rows).assign(**arm)}
