"""Norms of layers' gradients, against a loop over parameters of ordinary networks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from movingtarget.data.load import Images
from movingtarget.experiments.layer_gradients import measure
from movingtarget.networks import Architecture, build_random
from movingtarget.networks.initialise import generator
from movingtarget.statistics.rows import where

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SETTINGS: dict[str, Any] = {
    **{"seeds": [0, 3], "hidden_width": 6, "initial_weights": "normal", "batch_size": 16, "depths": [2, 3]},
    **{"activations": ["relu", "sigmoid"], "networks": ["plain", "batch-norm", "residual", "looks-linear"]},
}


def layer_of(name: str, depth: int) -> int:
    parts = name.split(".")
    return int(parts[1]) if parts[0] == "hidden" else depth


@pytest.fixture
def table(images: Images, written: Written) -> pd.DataFrame:
    return written(measure(images, **SETTINGS)["layer_gradients"], "layer_gradients")


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("network", ["plain", "batch-norm", "residual"])
def test_norms_are_those_of_an_ordinary_network(
    table: pd.DataFrame, images: Images, network: str, activation: str
):
    for seed in (0, 3):
        made = build_random(Architecture(network, 5, 6, 3, 4, activation, "normal"), seed)
        drawn = torch.randperm(60, generator=generator(seed, "order of epoch 0"))[:16]
        F.cross_entropy(made(images.train_inputs[drawn]), images.train_labels[drawn]).backward()
        squares = np.zeros(4)
        for name, value in made.named_parameters():
            assert value.grad is not None
            squares[layer_of(name, 3)] += value.grad.square().sum().item()
        own = where(table, network=network, activation=activation, depth=3, seed=seed).sort_values("layer")
        np.testing.assert_allclose(own["value"], np.sqrt(squares), rtol=1e-4)


def test_a_family_with_its_own_activation_stands_once(table: pd.DataFrame):
    assert set(where(table, network="looks-linear")["activation"]) == {"relu"}
    assert set(where(table, network="plain")["activation"]) == {"relu", "sigmoid"}
