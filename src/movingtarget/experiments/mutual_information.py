"""Experiment: mutual information between successive hidden layers, before and during training."""

from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.experiments.layers import hidden_layers
from movingtarget.measures.capture import capture
from movingtarget.measures.mutual_information import Scaling, information, read
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, call
from movingtarget.networks.initialise import generator


def measure(
    network: nn.Module,
    snapshots: dict[int, Parameters],
    images: Images,
    seeds: Sequence[int],
    examples: int,
    noise: float,
) -> pd.DataFrame:
    """Table mutual_information without the arm's columns: every snapshot, scaling, pair of layers and seed.

    A row's layer is the lower of its pair. Layers are read on the first `examples` test images. `permuted` is
    the null: the upper layer's examples shuffled, so that the true value is zero.
    """
    rows = []
    for step, parameters in snapshots.items():
        layers = _layer_outputs(network, parameters, images, examples)
        for scaling in get_args(Scaling):
            readings = [
                read(layer, noise, scaling, generator(place, "noise")) for place, layer in enumerate(layers)
            ]
            for layer, (below, above) in enumerate(pairwise(readings), start=1):
                for quantity, upper in {"information": above, "permuted": _permuted(above)}.items():
                    settings = {"step": step, "scaling": scaling, "layer": layer, "quantity": quantity}
                    values = information(below, upper).tolist()
                    rows += [settings | {"seed": s, "value": v} for s, v in zip(seeds, values, strict=True)]
    return pd.DataFrame(rows)


@torch.no_grad()
def _layer_outputs(network: nn.Module, parameters: Parameters, images: Images, examples: int) -> list[Tensor]:
    """Outputs `(members, examples, units)` of every hidden layer on test images, in eval mode."""
    statistics = population_statistics(network, parameters, images.train_inputs[:examples])
    network.eval()
    with capture(hidden_layers(network), lambda _, output: output) as seen:
        call(network, parameters | statistics, images.test_inputs[:examples])
    return list(seen.values())


def _permuted(reading: Tensor) -> Tensor:
    order = torch.randperm(reading.shape[-2], generator=generator(0, "permutation"))
    return reading[..., order, :]
