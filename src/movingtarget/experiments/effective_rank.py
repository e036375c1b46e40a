"""Experiment: effective rank of convolutional networks' gradients (Balduzzi et al. 2017, figure 5)."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.measures.effective_rank import effective_rank, relative_effective_rank
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.networks.convolutional import convolutional, initialise_convolutional
from movingtarget.networks.initialise import generator
from movingtarget.settings import COUNT, COUNTS, SEEDS, choice, mapping, of_training_images, several
from movingtarget.study import Config, Settings, Study, one_job
from movingtarget.tables import MEASURED
from movingtarget.work import Data, Work

NETWORKS, NORMALISATIONS = ("plain", "residual"), ("none", "batch-norm")


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Every network's gradients at its inputs, and eigenvalues of their products."""
    channels, examples, seeds = settings["channels"], settings["examples"], len(settings["seeds"])
    passes = work.total(
        [
            work.input_gradients(_chain(network, channels, depth, data), 1, examples)
            for network in settings["networks"]
            for depth in settings["depths"]
        ]
    )
    smaller = min(examples, data.pixels)
    rank = Work(products=examples * data.pixels * smaller + work.EIGENVALUES * smaller**3)
    return seeds * (passes + (len(settings["networks"]) * len(settings["depths"]) + 1) * rank)


def _chain(network: Mapping[str, str], channels: int, depth: int, data: Data) -> work.Network:
    normalised = network["normalisation"] if network["normalisation"] != "none" else network["network"]
    strides = [2, *[1] * (depth - 1)]
    return work.convolutions(data.pixels, [channels] * depth, strides, data.classes, normalised)


STUDY = Study(
    rule="measure_effective_rank",
    settings={
        "seeds": SEEDS,
        "channels": COUNT,
        "examples": of_training_images(2),
        "depths": COUNTS,
        "networks": several(
            mapping({"network": choice(*NETWORKS), "normalisation": choice(*NORMALISATIONS)})
        ),
    },
    tables={
        "effective_rank": {
            "network": NETWORKS,
            "normalisation": NORMALISATIONS,
            "depth": int,
            "seed": int,
            "quantity": ("effective_rank", "relative_effective_rank", "gradient_norm"),
            "value": MEASURED,
        }
    },
    jobs=one_job("effective_rank"),
    images=True,
    work=counted,
)


def measure(
    images: Images,
    seeds: Sequence[int],
    channels: int,
    examples: int,
    depths: Sequence[int],
    networks: Sequence[dict[str, str]],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table effective_rank: every network, depth and seed, at initialisation.

    Args:
        images: square images; a minibatch of the training images is drawn for each seed.
        seeds: of the weights, the minibatch and the Gaussian matrix that a rank is relative to.
        channels: of every convolutional layer.
        examples: images in a minibatch.
        depths: convolutional layers.
        networks: `network` ("plain" or "residual") and `normalisation` of each.
        say: told of progress, once for each network and depth.

    Raises:
        ValueError: the images are not square, or fewer than `examples`.
    """
    side = images.side
    if not 0 < examples <= len(images.train_inputs):
        raise ValueError(f"examples must be from 1 to {len(images.train_inputs)}, got {examples}")
    rows = []
    for description in networks:
        for depth in depths:
            say(f"{description['network']}, normalisation {description['normalisation']}, {depth} layers")
            for seed in seeds:
                network = convolutional(
                    **description, side=side, channels=channels, depth=depth, outputs=images.classes
                )
                initialise_convolutional(network, seed)
                inputs = _minibatch(images, examples, seed)
                gradients = input_gradients(network, dict(network.named_parameters()), inputs)
                rows += [
                    description | {"depth": depth, "seed": seed, "quantity": quantity, "value": value}
                    for quantity, value in _quantities(gradients, seed).items()
                ]
    return {"effective_rank": pd.DataFrame(rows)}


def _minibatch(images: Images, examples: int, seed: int) -> Tensor:
    drawn = torch.randperm(len(images.train_inputs), generator=generator(seed, "minibatch"))
    return images.train_inputs[drawn[:examples]]


def _quantities(gradients: Tensor, seed: int) -> dict[str, float]:
    """What is measured of gradients `(examples, pixels)`; the norm is a root mean square over examples."""
    return {
        "effective_rank": effective_rank(gradients).item(),
        "relative_effective_rank": relative_effective_rank(gradients, seed).item(),
        "gradient_norm": gradients.double().square().sum(-1).mean().sqrt().item(),
    }
