"""Experiment: mutual information between successive hidden layers, before and during training."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, get_args

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget.arms import ARM, measuring_jobs
from movingtarget.data.load import Images
from movingtarget.measures.capture import capture
from movingtarget.measures.mutual_information import Scaling, information, read
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, build, call
from movingtarget.networks.chain import hidden_layers
from movingtarget.networks.initialise import generator
from movingtarget.settings import of_test_images, of_training_images
from movingtarget.study import Study
from movingtarget.tables import MEASURED
from movingtarget.training.arms import architecture_of

STUDY = Study(
    rule="measure_mutual_information",
    settings={
        "examples": {**of_training_images(), **of_test_images(3)},
        "noise": {"type": "number", "minimum": 0.001},  # below it a layer of low rank cannot be whitened
    },
    tables={
        "mutual_information": {
            **ARM,
            "seed": int,
            "step": int,
            "scaling": ("root-mean-square", "deviation"),
            "layer": int,
            "quantity": ("information", "permuted"),
            "value": MEASURED,
        }
    },
    jobs=lambda config: measuring_jobs("mutual_information", "training", config),
    images=True,
    members="training",
)


def measure(
    arm: Mapping[str, Any],
    members: dict[int, Parameters],
    images: Images,
    seeds: Sequence[int],
    hidden_width: int,
    activation: str,
    examples: int,
    noise: float,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Rows of table mutual_information of one arm: every snapshot, scaling, pair of layers and seed.

    A row's layer is the lower of its pair. Layers are read on the first `examples` test images. `permuted` is
    the null: the upper layer's examples shuffled, so that the true value is zero.
    """
    network = build(architecture_of(arm, images, {"hidden_width": hidden_width, "activation": activation}))
    rows = []
    for step, parameters in members.items():
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
    return {"mutual_information": pd.DataFrame(rows).assign(**arm)}


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
