"""Summed outputs are a neutral probe of a network's layers only if their weights have mean zero.

The sum over rectified units is aligned with the gates, E[1(w x > 0) w] pointing along x: a network of one
layer then has a correlation of 0.375 between independent inputs in place of 1/2.
"""

from collections.abc import Callable

import pytest
import torch
from network_cases import PERCEPTRONS
from torch import nn

from movingtarget.experiments.effective_rank import NETWORKS as CONVOLUTIONAL
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.networks import Architecture, build_random
from movingtarget.networks.convolutional import convolutional, initialise_convolutional
from movingtarget.networks.initialise import Weights, generator
from movingtarget.networks.random import random_network
from movingtarget.theory.arc_cosine import kappa0

FEATURES, INPUTS, SEEDS = 40, 48, 100

Make = Callable[[int], nn.Module]


def on_paths(normalisation: str) -> Make:
    """As for slopes on a line and along paths of images."""
    return lambda seed: random_network(
        "feedforward", normalisation, float("nan"), depth=1, width=40, seed=seed, inputs=FEATURES
    )


def classifier(family: str, weights: Weights) -> Make:
    """As trained, and as looked at for whether they look linear."""
    return lambda seed: build_random(Architecture(family, FEATURES, 40, 1, 10, "relu", weights), seed)


def ratio_of_averages(make: Make) -> float:
    """Covariance between inputs over variance, each summed over seeds."""
    covariance = variance = 0.0
    for seed in range(SEEDS):
        network, inputs = make(seed), torch.randn(INPUTS, FEATURES, generator=generator(seed, "probed"))
        gradients = input_gradients(network, dict(network.named_parameters()), inputs).double()
        own = float(gradients.square().sum())
        variance += own / INPUTS
        covariance += (float(gradients.sum(0).square().sum()) - own) / INPUTS / (INPUTS - 1)
    return covariance / variance


@pytest.mark.parametrize(
    "make",
    [
        *(on_paths(normalisation) for normalisation in ("none", "centred", "batch-norm")),
        *(classifier(family, "normal") for family in ("plain", "batch-norm")),
        *(classifier(family, "orthogonal") for family in ("plain", "crelu")),
    ],
)
def test_one_layer_halves_the_correlation_of_independent_inputs(make: Make) -> None:
    # random biases, of one weight's variance, correlate inputs by 1/41, a batch's mean by -1/47; a seed's
    # deviation is 0.05
    least, most = kappa0([-1 / 47, 1 / 41])
    assert least - 0.02 < ratio_of_averages(make) < most + 0.02


@pytest.mark.parametrize(
    "make",
    [
        *(classifier(family, "normal") for family in PERCEPTRONS),
        *(
            lambda seed, network=network: initialise_convolutional(
                convolutional(network, 8, 40, 2, 10, "none"), seed
            )
            for network in CONVOLUTIONAL
        ),
    ],
)
def test_outputs_are_read_through_weights_of_mean_zero(make: Make) -> None:
    heads = [make(seed).get_parameter("head.weight") for seed in range(SEEDS)]
    read_out = torch.stack([weight.detach().sum(0) for weight in heads])
    assert read_out.mean().abs() < 4 * read_out.std() / read_out.numel() ** 0.5
    assert read_out.std() > 0
