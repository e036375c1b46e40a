"""Correlation of gradients between images in random classifiers."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from network_cases import PERCEPTRONS

from movingtarget.data.load import Images
from movingtarget.experiments.initial_correlation import measure
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Architecture, build_random
from movingtarget.networks.chain import hidden_layers
from movingtarget.networks.stack import call, stack

Written = Callable[[pd.DataFrame, str], pd.DataFrame]


@pytest.fixture(scope="module")
def images() -> Images:
    inputs = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60) % 3
    return Images(inputs, labels, inputs[:8] + 0.1, labels[:8])


def test_table_has_a_row_for_each_network_depth_seed_and_quantity(images: Images, written: Written) -> None:
    said: list[str] = []
    table = measure(images, [0, 3], 6, 4, [1, 3], [*PERCEPTRONS], said.append)["initial_correlation"]
    assert len(written(table, "initial_correlation")) == len(PERCEPTRONS) * 2 * 2 * 2
    assert len(said) == len(set(said)) == 2 * len(PERCEPTRONS)


@pytest.mark.parametrize("family", ["plain", "residual-batch-norm"])
def test_values_are_those_of_a_loop_over_pairs_and_seeds(images: Images, family: str) -> None:
    table = measure(images, [1, 2], 6, 4, [3], [family])["initial_correlation"]
    squares, products = [], []
    for seed in (1, 2):
        network = build_random(Architecture(family, 5, 6, 3, 3), seed)
        parameters = stack([network])
        parameters |= population_statistics(network, parameters, images.train_inputs[:40], stacked=True)
        network.eval()
        kept: list[torch.Tensor] = []
        first = next(iter(hidden_layers(network).values()))
        handle = first.register_forward_hook(lambda _, inputs, output: kept.append(output))  # noqa: B023
        gradients = []
        for image in images.test_inputs[:4]:
            outputs = call(network, parameters, image[None].clone().requires_grad_())
            gradients.append(torch.autograd.grad(outputs.sum(), kept[-1])[0].flatten())
        handle.remove()
        squares.append(np.mean([float(g @ g) for g in gradients]))
        products.append(
            np.mean([float(gradients[i] @ gradients[j]) for i in range(4) for j in range(4) if i != j])
        )
    values = table.pivot(index="seed", columns="quantity", values="value")
    assert values["correlation"].mean() == pytest.approx(sum(products) / sum(squares), rel=1e-4)
    np.testing.assert_allclose(values["gradient_norm"], np.sqrt(squares), rtol=1e-4)
