"""Moments of gradients at independent inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import sem

from movingtarget.experiments.gradient_correlation import measure, theorem_network
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.networks.initialise import generator
from movingtarget.theory.shattering import (
    Moments,
    feedforward_moments,
    highway_limit,
    highway_moments,
    residual_moments,
    scaled_residual_moments,
)

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
FEEDFORWARD = {"network": "feedforward", "normalisation": "none", "gates": "random"}
RESIDUAL = {"network": "residual", "normalisation": "none", "gates": "random", "beta": 1.0}
HIGHWAY = {"network": "highway", "normalisation": "none", "gates": "random"}
SCALED = {"network": "residual", "normalisation": "batch-norm", "gates": "random", "beta": 0.5}


def moments(
    network: dict[str, Any], depth: int, seeds: int, width: int = 16, inputs: int = 16
) -> pd.DataFrame:
    return measure(range(seeds), width, inputs, [depth], [network])["gradient_correlation"]


@pytest.mark.parametrize(
    ("network", "depth", "theory"),
    [(FEEDFORWARD, depth, feedforward_moments(depth)) for depth in (1, 4)]
    + [(RESIDUAL, depth, residual_moments(depth)) for depth in (1, 4)]
    + [(HIGHWAY, depth, highway_moments(depth, (1 - 1 / depth) ** 0.5, depth**-0.5)) for depth in (1, 4)],
)
def test_random_gates_have_the_moments_of_the_theorems(
    network: dict[str, Any], depth: int, theory: Moments
) -> None:
    table = moments(network, depth, 300)
    for quantity in ("variance", "covariance"):
        # exact at any width; 300 seeds, 3.5 standard errors of their mean
        error = 3.5 * sem(table[quantity])
        assert error < 0.15 * getattr(theory, quantity) * depth
        assert table[quantity].mean() == pytest.approx(float(getattr(theory, quantity)), abs=error)


def test_batch_norm_has_about_the_moments_derived_for_many_units_and_inputs() -> None:
    table, theory = moments(SCALED, 5, 60, width=40, inputs=64), scaled_residual_moments(5, 0.5)
    # the divisor varies with unit and batch, which raises moments by terms of order 1 / width and 1 / inputs
    assert table["variance"].mean() == pytest.approx(float(theory.variance), rel=0.1)
    assert table["covariance"].mean() == pytest.approx(float(theory.covariance), rel=0.1)


def test_deep_highway_network_keeps_the_correlation_of_the_limit() -> None:
    table = moments(HIGHWAY, 50, 40, width=40)
    ratio = table["covariance"].mean() / table["variance"].mean()
    assert ratio == pytest.approx(highway_limit(), abs=0.03)


@pytest.mark.parametrize("network", [FEEDFORWARD, RESIDUAL, HIGHWAY])
def test_moments_are_averages_over_pairs_and_units(network: dict[str, Any]) -> None:
    table = moments(network | {"gates": "rectifier"}, 3, 3, width=7, inputs=5)
    settings = {"beta": float("nan")} | network | {"gates": "rectifier"}
    own, pairs = [], []
    for seed in range(3):
        made = theorem_network(**settings, depth=3, width=7, seed=seed)
        inputs = torch.randn(5, 7, generator=generator(seed, "inputs"))
        gradients = [torch.autograd.functional.jacobian(made, one[None]).flatten() for one in inputs]
        own.append(np.mean([float(g @ g) / 7 for g in gradients]))
        pairs.append(
            np.mean([float(gradients[i] @ gradients[j]) / 7 for i in range(5) for j in range(5) if i != j])
        )
    # single precision in the gradients
    np.testing.assert_allclose(table["variance"], own, rtol=1e-5)
    np.testing.assert_allclose(table["covariance"], pairs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(table["gradient_norm"], np.sqrt(7 * np.array(own)), rtol=1e-5)
    assert table["correlation"].mean() == pytest.approx(sum(pairs) / sum(own), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("normalisation", ["none", "centred", "batch-norm"])
def test_one_layer_of_rectifiers_halves_the_correlation_of_independent_inputs(normalisation: str) -> None:
    network = {"network": "feedforward", "normalisation": normalisation, "gates": "rectifier"}
    table = moments(network, 1, 120, width=40, inputs=64)
    # a mean over 64 inputs takes 1/63 of correlation from each pair, so 0.005 from the half; summed
    # rectifiers would give 0.375; a seed's deviation is 0.05
    assert table["correlation"].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("normalisation", ["none", "centred", "batch-norm"])
def test_summed_rectifiers_are_no_neutral_probe(normalisation: str) -> None:
    """What the read-out avoids: the sum adds N / pi to a variance of N, and N / 2 remains the covariance."""
    own, pairs = [], []
    for seed in range(40):
        settings = {"network": "feedforward", "normalisation": normalisation, "gates": "rectifier"}
        made = theorem_network(**settings, beta=float("nan"), depth=1, width=40, seed=seed)
        inputs = torch.randn(64, 40, generator=generator(seed, "inputs"))
        layer = made.get_submodule("0")
        gradients = input_gradients(layer, dict(layer.named_parameters()), inputs)
        own.append(float(gradients.square().sum()) / 64)
        pairs.append((float(gradients.sum(0).square().sum()) - 64 * own[-1]) / 64 / 63)
    assert sum(pairs) / sum(own) < 0.42


def test_every_network_depth_and_seed_fills_a_row_of_the_table(written: Written) -> None:
    networks = [
        network | {"gates": gates}
        for network in (FEEDFORWARD, RESIDUAL, HIGHWAY, SCALED)
        for gates in ("random", "rectifier")
    ]
    said: list[str] = []
    table = measure([0, 5], 6, 4, [1, 3], networks, said.append)["gradient_correlation"]
    assert len(written(table, "gradient_correlation")) == 8 * 2 * 2
    assert len(said) == len(set(said)) == 8 * 2
    alone = measure([5], 6, 4, [3], [networks[2]])["gradient_correlation"]
    own = table.query("network == 'residual' and normalisation == 'none' and gates == 'random'")
    assert own.query("depth == 3 and seed == 5")["variance"].tolist() == alone["variance"].tolist()


def test_gates_are_the_only_difference_between_random_ones_and_rectifiers() -> None:
    random, rectifier = (
        theorem_network("feedforward", "none", gates, float("nan"), 3, 6, 1)
        for gates in ("random", "rectifier")
    )
    assert not any(isinstance(part, torch.nn.ReLU) for part in random.modules())
    for ours, theirs in zip(random.parameters(), rectifier.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_closed_gates_leave_variance_and_covariance_zero() -> None:
    table = moments(FEEDFORWARD, 1, 20, width=1, inputs=2)
    closed = table[table["gradient_norm"] == 0]
    assert 0 < len(closed) < 20
    assert (closed[["variance", "covariance"]] == 0).all(axis=None)
    assert table["correlation"].notna().all()
    seed = int(closed["seed"].iloc[0])
    alone = measure([seed], 1, 2, [1], [FEEDFORWARD])["gradient_correlation"]
    assert alone["correlation"].isna().all()


def test_one_input_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="needs at least 2 examples, got 1"):
        moments(FEEDFORWARD, 1, 1, inputs=1)
