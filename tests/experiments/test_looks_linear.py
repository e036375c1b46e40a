"""Gradients of networks that look linear."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch

from movingtarget.experiments.looks_linear import jacobian_deviation, measure
from movingtarget.networks import Architecture, build_random
from movingtarget.networks.initialise import generator

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
FAMILIES = ["plain", "crelu", "looks-linear", "linear"]


def values(network: str, depth: int, width: int = 12, examples: int = 9) -> pd.DataFrame:
    table = measure([0, 1, 2], width, examples, [depth], [network])["looks_linear"]
    return table.pivot(index="seed", columns="quantity", values="value")


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("width", [1, 5])
def test_deviation_of_a_scaled_rotation(scale: float, width: int) -> None:
    rotation, _ = torch.linalg.qr(torch.randn(width, width).double())
    assert jacobian_deviation(scale * rotation) == pytest.approx(abs(scale**2 - 1), abs=1e-12)


def test_deviation_of_a_diagonal_matrix() -> None:
    deviation = jacobian_deviation(torch.diag(torch.tensor([1.0, 2.0, 0.0])))
    assert deviation == pytest.approx((10 / 3) ** 0.5)


@pytest.mark.parametrize("depth", [1, 10, 40])
@pytest.mark.parametrize("network", ["looks-linear", "linear"])
def test_what_looks_linear_is_an_isometry_with_one_gradient(network: str, depth: int) -> None:
    measured = values(network, depth)
    # single precision, an error for each layer
    np.testing.assert_allclose(measured["correlation"], 1, rtol=0, atol=1e-6)
    np.testing.assert_allclose(measured["gradient_norm"], 12**0.5, rtol=1e-5)
    assert (measured["jacobian_deviation"] < 1e-5).all()


@pytest.mark.parametrize("depth", [1, 10, 40])
@pytest.mark.parametrize("network", ["plain", "crelu"])
def test_rectifiers_without_mirrored_weights_look_otherwise(network: str, depth: int) -> None:
    measured = values(network, depth)
    assert (measured["jacobian_deviation"] > 0.5).all()
    assert (measured["correlation"] < 0.9).all()


@pytest.mark.parametrize("network", ["plain", "crelu"])
def test_quantities_follow_from_the_whole_jacobian_of_each_input(network: str) -> None:
    measured = values(network, 3, width=6, examples=4).loc[2]
    made = build_random(Architecture(network, 6, 6, 3, 6, "relu", "orthogonal"), 2)
    inputs = torch.randn(4, 6, generator=generator(2, "inputs"))
    jacobians = [torch.autograd.functional.jacobian(made, one).double().numpy() for one in inputs]
    gradients = [jacobian.sum(0) for jacobian in jacobians]
    own = np.mean([g @ g for g in gradients])
    pairs = np.mean([gradients[i] @ gradients[j] for i in range(4) for j in range(4) if i != j])
    first = jacobians[0].T @ jacobians[0] - np.eye(6)
    # single precision in the gradients
    assert measured["correlation"] == pytest.approx(pairs / own, rel=1e-5, abs=1e-6)
    assert measured["gradient_norm"] == pytest.approx(own**0.5, rel=1e-5)
    assert measured["jacobian_deviation"] == pytest.approx(np.linalg.norm(first) / 6**0.5, rel=1e-5)


def test_table_has_a_row_for_each_network_depth_seed_and_quantity(written: Written) -> None:
    said: list[str] = []
    table = measure([4, 7], 5, 3, [1, 2], FAMILIES, said.append)["looks_linear"]
    assert len(written(table, "looks_linear")) == 4 * 2 * 2 * 3
    assert len(said) == len(set(said)) == 4 * 2


@pytest.mark.parametrize("network", FAMILIES)
def test_one_unit_and_one_pair_of_inputs(network: str) -> None:
    measured = values(network, 1, width=1, examples=2)
    assert np.isfinite(measured[["gradient_norm", "jacobian_deviation"]]).all(axis=None)
    # of a dead network there is no correlation
    assert (measured["correlation"].isna() == (measured["gradient_norm"] == 0)).all()
