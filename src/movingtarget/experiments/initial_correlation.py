"""Experiment: correlation of gradients between real images in random classifiers of every family."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.families import FAMILIES
from movingtarget.measures.gradient_correlation import gradient_correlation, layer_gradients
from movingtarget.measures.population import population_statistics
from movingtarget.networks.build import Architecture, build_random
from movingtarget.networks.chain import hidden_layers
from movingtarget.networks.stack import stack
from movingtarget.settings import (
    COUNT,
    COUNTS,
    FAMILY,
    SEEDS,
    names_of,
    of_test_images,
    of_training_images,
    several,
)
from movingtarget.statistics.ratio_of_averages import ratio_of_averages
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.work import NOTHING, Data, Work


def jobs(config: Config) -> list[Job]:
    """One, of all networks."""
    settings = config["initial_correlation"]
    return [Job("", settings, families=tuple(settings["networks"]))]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Every random network, one after the other: statistics of ten times as many images, and gradients."""
    found, examples = NOTHING, settings["examples"]
    for family, depth in product(settings["networks"], settings["depths"]):
        network = work.perceptron(family, data.pixels, settings["hidden_width"], depth, data.classes)
        found += work.drawn(network, 1) + work.input_gradients(network, 1, examples)
        found += work.forward(network, 1, 10 * examples if "batch-norm" in family else 0)
    return len(settings["seeds"]) * found


STUDY = Study(
    rule="measure_initial_correlation",
    settings={
        "seeds": SEEDS,
        "hidden_width": COUNT,
        "examples": {**of_training_images(times=10), **of_test_images(2)},
        "depths": COUNTS,
        "networks": several(FAMILY),
    },
    tables={
        "initial_correlation": {
            "network": names_of(FAMILY),
            "depth": int,
            "quantity": ("correlation", "gradient_norm"),
            "seed": int,
            "value": MEASURED,
        }
    },
    jobs=jobs,
    images=True,
    work=counted,
)


def measure(
    images: Images,
    seeds: Sequence[int],
    hidden_width: int,
    examples: int,
    depths: Sequence[int],
    networks: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table initial_correlation: gradients at the first hidden layer, on the first `examples` test images.

    Normalisation layers use the statistics of the first training images, ten times as many. The correlation
    is the ratio of averages over pairs, units and seeds: a row holds what its seed adds to it (see
    `ratio_of_averages`).
    """
    frames = []
    for network in networks:
        for depth in depths:
            say(f"{FAMILIES[network].title}, depth {depth}")
            architecture = Architecture(network, images.features, hidden_width, depth, images.classes)
            squares, products = np.transpose(
                [_moments(architecture, images, examples, seed) for seed in seeds]
            )
            values = {"correlation": ratio_of_averages(products, squares), "gradient_norm": np.sqrt(squares)}
            frames += [
                pd.DataFrame({"quantity": quantity, "seed": [*seeds], "value": of_seeds}).assign(
                    network=network, depth=depth
                )
                for quantity, of_seeds in values.items()
            ]
    return {"initial_correlation": pd.concat(frames, ignore_index=True)}


def _moments(architecture: Architecture, images: Images, examples: int, seed: int) -> tuple[float, float]:
    """Mean square of an image's gradient, and mean product of two images' gradients."""
    network = build_random(architecture, seed)
    parameters = stack([network])
    statistics = population_statistics(
        network, parameters, images.train_inputs[: 10 * examples], stacked=True
    )
    first = dict([next(iter(hidden_layers(network).items()))])
    network.eval()
    (gradients,) = layer_gradients(
        network, parameters | statistics, images.test_inputs[:examples], first, stacked=True
    ).values()
    measured = gradient_correlation(gradients[0])
    square = measured.norm.item() ** 2
    return square, measured.correlation.item() * square if square else 0.0
