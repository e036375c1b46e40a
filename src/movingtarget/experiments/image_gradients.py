"""Experiment: correlation of gradients between real images, layer by layer, before and after training."""

from collections.abc import Sequence

import pandas as pd
from torch import nn

from movingtarget.data.load import Images
from movingtarget.experiments.layers import hidden_layers
from movingtarget.measures.gradient_correlation import gradient_correlation, layer_gradients
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters


def measure(
    network: nn.Module,
    snapshots: dict[int, Parameters],
    images: Images,
    seeds: Sequence[int],
    examples: int,
) -> pd.DataFrame:
    """Table image_gradients without the arm's columns: first and last snapshot, every hidden layer and seed.

    The gradients are those of the first `examples` test images; normalisation layers use the statistics of
    the first training images, ten times as many.
    """
    stages = {"initialisation": min(snapshots), "trained": max(snapshots)}
    layers = hidden_layers(network)
    network.eval()
    rows = []
    for stage, step in stages.items():
        parameters = snapshots[step]
        statistics = population_statistics(network, parameters, images.train_inputs[: 10 * examples])
        gradients = layer_gradients(network, parameters | statistics, images.test_inputs[:examples], layers)
        for layer, values in enumerate(gradients.values(), start=1):
            measured = gradient_correlation(values)
            quantities = {"correlation": measured.correlation, "gradient_norm": measured.norm}
            rows += [
                {"stage": stage, "layer": layer, "seed": seed, "quantity": quantity, "value": value}
                for quantity, of_seeds in quantities.items()
                for seed, value in zip(seeds, of_seeds.tolist(), strict=True)
            ]
    return pd.DataFrame(rows)
