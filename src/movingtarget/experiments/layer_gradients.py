"""Experiment: how unlike the gradients of a network's layers are at initialisation."""

from collections.abc import Callable, Sequence
from itertools import product

import pandas as pd

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.families import FAMILIES
from movingtarget.measures.layers import layers_of
from movingtarget.measures.moving_target import gradient_norms, gradients
from movingtarget.networks import Architecture, build_random, stack
from movingtarget.networks.initialise import Weights
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    SEEDS,
    names_of,
    of_training_images,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.minibatches import batches
from movingtarget.work import NOTHING, Data, Work


def jobs(config: Config) -> list[Job]:
    """One, of all networks."""
    settings = config["layer_gradients"]
    return [Job("", settings, families=tuple(settings["networks"]))]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """The gradient of every network, all seeds in a stack."""
    found, seeds = NOTHING, len(settings["seeds"])
    for family, depth in product(settings["networks"], settings["depths"]):
        network = work.perceptron(family, data.pixels, settings["hidden_width"], depth, data.classes)
        found += work.drawn(network, seeds) + work.gradients(network, seeds, settings["batch_size"])
    return len(settings["activations"]) * found


STUDY = Study(
    rule="measure_layer_gradients",
    settings={
        "seeds": SEEDS,
        "hidden_width": COUNT,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "depths": COUNTS,
        "activations": several(ACTIVATION),
        "networks": several(FAMILY),
    },
    tables={
        "layer_gradients": {
            "activation": names_of(ACTIVATION),
            "network": names_of(FAMILY),
            "depth": int,
            "seed": int,
            "layer": int,
            "value": MEASURED,
        }
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    work=counted,
)


def measure(
    images: Images,
    seeds: Sequence[int],
    hidden_width: int,
    initial_weights: Weights,
    batch_size: int,
    depths: Sequence[int],
    activations: Sequence[str],
    networks: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table layer_gradients: the norm of the gradient of each layer's parameters, for every network and seed.

    A family with an activation of its own stands under the first of `activations` only.

    Args:
        images: the training images.
        seeds: of the weights and of the minibatch, the first of each seed's training.
        hidden_width: units of a hidden layer.
        initial_weights: "normal" or "orthogonal".
        batch_size: examples in a minibatch.
        depths: hidden layers.
        activations: of the families that have none of their own.
        networks: families.
        say: told of each network.
    """
    index = batches(len(images.train_labels), batch_size, seeds, epoch=0)[0]
    inputs, labels = images.train_inputs[index], images.train_labels[index]
    frames = []
    for activation, network, depth in product(activations, networks, depths):
        if FAMILIES[network].activation and activation != activations[0]:
            continue
        say(f"{network}, {activation}, depth {depth}")
        architecture = Architecture(
            network, images.features, hidden_width, depth, images.classes, activation, initial_weights
        )
        members = [build_random(architecture, seed).to(images.device) for seed in seeds]
        slopes = gradients(members[0], stack(members), inputs, labels, stacked=True)
        norms = gradient_norms(layers_of(members[0], inputs), slopes, stacked=True)
        rows = [
            {"seed": seed, "layer": layer, "value": value}
            for layer, of_layer in enumerate(norms.tolist(), 1)
            for seed, value in zip(seeds, of_layer, strict=True)
        ]
        frames.append(pd.DataFrame(rows).assign(activation=activation, network=network, depth=depth))
    return {"layer_gradients": pd.concat(frames)}
