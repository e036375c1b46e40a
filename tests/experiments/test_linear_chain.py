"""A step on a chain of linear units, and its largest stable rates."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor

from movingtarget.experiments.linear_chain import (
    largest_stable_rate,
    loss_gradient,
    measure,
    near_one,
    share_kept,
    sweep,
)
from movingtarget.theory.linear_chain import ORDERS, RULES, sweep_factor

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SEEDS = [0, 3, 8]


def one_step(layers: int, weight: float, size: float) -> pd.DataFrame:
    table = measure(SEEDS, [layers], [weight], [size], [1])["linear_chain"]
    return table.pivot(index=["rule", "seed"], columns="quantity", values="value")


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.double)


@pytest.mark.parametrize("layers", [1, 2, 5, 12])
@pytest.mark.parametrize("weight", [0.6, 1.0, 1.5])
def test_what_is_measured_is_what_theory_predicts(layers: int, weight: float) -> None:
    table = one_step(layers, weight, 0.05)
    # the difference of outputs loses digits, at most four here
    np.testing.assert_allclose(table["kept"], table["predicted"], rtol=1e-11, atol=1e-11)
    assert (table["predicted"].nunique() == 2 * len(SEEDS)) == (layers > 1)


def test_a_step_by_hand() -> None:
    # y = 6, g = (3, 2), g.g = 13: eps = 0.1 leads to (1.7, 2.8), delta = 0.1 has eps = 0.1 / 13
    weights = double(2.0, 3.0)[None]
    assert float(share_kept(weights, "fixed", 0.1)) == pytest.approx((6 - 1.7 * 2.8) / 1.3)
    eps = 0.1 / 13
    expected = (6 - (2 - 3 * eps) * (3 - 2 * eps)) / 0.1
    assert float(share_kept(weights, "normalised", 0.1)) == pytest.approx(expected)


def test_chains_are_independent() -> None:
    weights = double(2.0, 3.0, 0.5, 1.0, 1.5, 0.7).view(3, 2)
    for rule in RULES:
        alone = [float(share_kept(row[None], rule, 0.1)) for row in weights]
        assert share_kept(weights, rule, 0.1).tolist() == alone


def test_weights_lie_within_a_tenth() -> None:
    # two equal weights keep 1 - eps / 2 at any weight; unequal ones a w and b w keep 1 - eps / (a/b + b/a)
    table = measure(range(200), [2], [1.7], [0.1], [1])["linear_chain"]
    loss = 1 - table[(table["quantity"] == "kept") & (table["rule"] == "fixed")]["value"]
    imbalance = 0.1 / loss
    assert imbalance.min() >= 2
    assert 2.02 < imbalance.max() <= 1.1 / 0.9 + 0.9 / 1.1
    # a normalised step: 1 - delta / (y (a/b + b/a)^2), y = 1.7^2 a b
    loss = 1 - table[(table["quantity"] == "kept") & (table["rule"] == "normalised")]["value"]
    size = (0.1 / loss / imbalance.to_numpy() ** 2) ** 0.5 / 1.7
    assert 0.9 < size.min() < 0.93
    assert 1.07 < size.max() < 1.1


def test_the_gradient_is_that_of_automatic_differentiation() -> None:
    weights, targets = near_one(SEEDS, 6)
    weights = (1.3 * weights).requires_grad_()
    loss = (weights.prod(-1) - targets).square() / 2
    (expected,) = torch.autograd.grad(loss.sum(), weights)
    torch.testing.assert_close(loss_gradient(weights.detach(), targets), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("order", ORDERS)
def test_a_sweep_by_automatic_differentiation(order: str) -> None:
    weights, targets = near_one(SEEDS, 4)
    targets, rates = targets + 0.2, double(0.1, 0.3, 0.6)
    moved = weights.clone()
    for layer in range(4):
        at = (moved if order == "forward" else weights).clone().requires_grad_()
        loss = (at.prod(-1) - targets).square().sum() / 2
        (gradient,) = torch.autograd.grad(loss, at)
        moved[:, layer] = weights[:, layer] - rates * gradient[:, layer]
    before = weights.clone()
    torch.testing.assert_close(sweep(weights, targets, rates, order), moved, rtol=1e-13, atol=0)
    assert torch.equal(weights, before)


def test_chains_start_on_an_output_of_one_near_a_target() -> None:
    weights, targets = near_one(range(100), 5)
    torch.testing.assert_close(weights.prod(-1), torch.ones_like(targets))
    assert 1.03 < weights.max() <= 1.05 / 0.95
    assert 0.95 / 1.05 <= weights.min() < 0.97
    assert 0.99 <= targets.min() < 0.9925
    assert 1.0075 < targets.max() <= 1.01
    alone, target = near_one([7], 5)
    assert torch.equal(alone[0], weights[7])
    assert torch.equal(target[0], targets[7])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layers", [1, 2, 4, 8])
def test_the_largest_rate_is_where_the_factor_of_a_sweep_is_one(layers: int, order: str) -> None:
    weights, targets = near_one(SEEDS, layers)
    at_minimum = (weights * targets[:, None] ** (1 / layers)).numpy()
    for row, rate in zip(at_minimum, largest_stable_rate(weights, targets, order), strict=True):
        # below the bracket every factor is below 1, above it the last has passed its zero
        bracket = (1.9 / layers if order == "simultaneous" else 1.7, 2.5)

        def excess(rate: float, row: np.ndarray = row) -> float:
            return abs(float(sweep_factor(row, rate, order))) - 1

        # errors of 1 % at the start shift the limit by as much
        assert rate == pytest.approx(brentq(excess, *bracket), rel=0.015)


@pytest.mark.parametrize(("order", "limit"), [("simultaneous", 2 / 3), ("forward", 2.0)])
def test_the_largest_rate_near_equal_weights(order: str, limit: float) -> None:
    rate = largest_stable_rate(torch.ones(1, 3).double(), double(1 + 1e-6), order)
    assert float(rate) == pytest.approx(limit, abs=3e-5)


def test_forward_sweeps_that_end_at_another_minimum_are_not_stable() -> None:
    weights, targets = near_one(range(20), 2)
    rates = torch.full_like(targets, 2.3)
    after = weights
    for _ in range(200):
        after = sweep(after, targets, rates, "forward")
    elsewhere = (after.prod(-1) - targets).abs() < 1e-6
    assert elsewhere.any()
    assert (after[elsewhere] / weights[elsewhere] - 1).abs().amax(-1).min() > 0.2
    assert (largest_stable_rate(weights, targets, "forward") < 2.1).all()


def test_every_setting_fills_rows_of_the_tables(written: Written) -> None:
    said: list[str] = []
    tables = measure([0, 5], [2, 3], [0.5, 2.0], [0.01, 0.1], [1, 4], said.append)
    assert [*tables] == ["linear_chain", "chain_stability"]
    for name, table in tables.items():
        read = written(table, name)
        pd.testing.assert_frame_equal(read, table[[*read]])
    assert len(tables["linear_chain"]) == 2 * 2 * 2 * 2 * 2 * 2
    assert len(tables["chain_stability"]) == 2 * 2 * 2
    assert len(said) == len(set(said)) == 2 * 2 + 2
    alone = measure([5], [3], [2.0], [0.1], [4])
    keys = {"linear_chain": "layers == 3 and weight == 2 and size == 0.1", "chain_stability": "layers == 4"}
    for name, key in keys.items():
        own = tables[name].query(f"seed == 5 and {key}")
        assert own["value"].tolist() == alone[name]["value"].tolist()


def test_a_step_far_beyond_zero_is_a_finite_number() -> None:
    table = one_step(32, 2.0, 0.1).xs("fixed")
    assert np.isfinite(table).all(axis=None)
    assert (table["kept"] < -1e100).all()
