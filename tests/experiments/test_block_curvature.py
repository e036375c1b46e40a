"""Largest stable rates near a minimum, beside the curvature there."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.experiments.block_curvature import (
    STUDY,
    Problem,
    _expanded,
    _full_batches,
    _largest_stable_rate,
    _member,
    _stable,
    measure,
)
from movingtarget.measures.curvature import block_curvatures
from movingtarget.networks import Architecture, Parameters, build_random
from movingtarget.networks.chain import chain
from movingtarget.theory.sweep import curvature_ratio

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SETTINGS: dict[str, Any] = {
    "seeds": [0, 3],
    "examples": 16,
    "pooled_side": 2,
    "hidden_width": 3,
    "activation": "tanh",
    "initial_weights": "normal",
    "label_smoothing": 0.2,
    "learning_rate": 0.1,
    "steps": 600,
    "perturbation": 1e-3,
    "sweeps": 60,
}


@pytest.fixture(scope="module")
def square_images() -> Images:
    """Of 4 by 4 pixels."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    inputs = torch.randn(3, 16, generator=source)[labels] + torch.randn(60, 16, generator=source)
    return Images(inputs, labels, inputs, labels)


@pytest.fixture(scope="module")
def table(square_images: Images) -> pd.DataFrame:
    return measure(square_images, "plain", 2, **SETTINGS)["block_curvature"]


def values(table: pd.DataFrame, quantity: str, stage: str = "minimum") -> np.ndarray[Any, Any]:
    rows = table[(table["quantity"] == quantity) & (table["stage"] == stage)]
    return rows.sort_values("seed")["value"].to_numpy()


def test_every_quantity_and_seed_fills_the_table(table: pd.DataFrame, written: Written) -> None:
    assert list(written(table, "block_curvature")) == list(STUDY.tables["block_curvature"])
    quantities = STUDY.tables["block_curvature"]["quantity"]
    assert isinstance(quantities, tuple)
    assert set(table.loc[table["stage"] == "minimum", "quantity"]) == set(quantities)
    assert {len(values(table, name)) for name in set(table["quantity"])} == {2}


def test_the_point_reached_is_near_a_minimum_and_the_start_is_not(table: pd.DataFrame) -> None:
    assert (values(table, "loss") < values(table, "loss", "initialisation")).all()
    assert (values(table, "gradient_norm") < 0.1 * values(table, "gradient_norm", "initialisation")).all()
    assert (values(table, "lowest") > -0.05).all()
    assert (values(table, "lowest", "initialisation") < -0.05).all()


def test_gains_are_at_least_the_ratio_and_measured_as_foretold(table: pd.DataFrame) -> None:
    assert (values(table, "exact_over_ratio") >= 1 - 1e-6).all()
    together = 2 / values(table, "largest")
    np.testing.assert_allclose(values(table, "simultaneous_rate"), together, rtol=0.08)
    np.testing.assert_allclose(values(table, "gain"), values(table, "exact_gain"), rtol=0.15)


@pytest.mark.parametrize("network", ["plain", "batch-norm", "residual"])
def test_the_whole_hessian_agrees_with_lanczos(square_images: Images, network: str) -> None:
    made = build_random(Architecture(network, 4, 3, 2, 3, "tanh"), 0).double().train()
    inputs, labels = _full_batches(square_images, 2, [0], 16)
    targets = torch.nn.functional.one_hot(labels, 3).double()
    problem = Problem(chain(made), inputs, targets)
    parameters: Parameters = {name: value.detach() for name, value in made.named_parameters()}
    _, slope, hessian = _expanded(problem, parameters)
    sizes = [sum(parameters[name].numel() for name in link.names.values()) for link in problem.links]
    expected = block_curvatures(made, parameters, inputs[0], labels[0], 10**6, 10**6, seed=0)
    assert np.linalg.eigvalsh(hessian)[-1] == pytest.approx(expected.whole.item(), rel=1e-6)
    ends = np.cumsum([0, *sizes])
    tops = [np.linalg.eigvalsh(hessian[start:end, start:end])[-1] for start, end in pairwise(ends)]
    np.testing.assert_allclose(tops, expected.blocks.numpy(), rtol=1e-6, atol=1e-9)
    assert len(slope) == sum(sizes)


class _Bowl(Problem):
    """A quadratic in two weights of two layers, in place of the cross-entropy."""

    hessian = torch.tensor([[1.0, 0.5], [0.5, 0.5]], dtype=torch.double)

    def losses_above(self, links: Any, parameters: Parameters, inputs: Tensor) -> Tensor:
        point = torch.cat([parameters["0.weight"].flatten(1), parameters["1.weight"].flatten(1)], 1)
        return ((point @ self.hessian) * point).sum(1) / 2


@pytest.mark.parametrize(("together", "limit"), [(True, 1.528), (False, 3.0)])
def test_the_counter_example_by_steps_and_sweeps(
    monkeypatch: pytest.MonkeyPatch, together: bool, limit: float
) -> None:
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
    monkeypatch.setattr(
        "movingtarget.experiments.block_curvature.propagate", lambda links, own, inputs: inputs
    )
    monkeypatch.setattr(Problem, "losses_above", _Bowl.losses_above)
    monkeypatch.setattr(Problem, "hessian", _Bowl.hessian, raising=False)
    problem = Problem(chain(network), torch.zeros(1, 1, 1).double(), torch.ones(1, 1, 1).double())
    centre = {name: torch.zeros(1, 1, 1).double() for name in ("0.weight", "1.weight")}
    start = {
        "0.weight": torch.full((1, 1, 1), 0.3).double(),
        "1.weight": torch.full((1, 1, 1), -0.2).double(),
    }
    blocks = [problem.links] if together else [[link] for link in problem.links]
    found = _largest_stable_rate(
        lambda rates: _stable(problem, blocks, centre, start, centre, rates, 400),
        torch.tensor([0.9 * limit]).double(),
    )
    assert found.item() == pytest.approx(limit, rel=0.02)
    assert curvature_ratio(_Bowl.hessian.numpy(), [1, 1]) == pytest.approx(1.309, abs=1e-3)


def test_curvatures_below_a_share_of_the_largest_count_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = 1.5, np.array([3.0, 4.0]), np.diag([-0.5, -0.005, 0.0, 100.0])
    monkeypatch.setattr("movingtarget.experiments.block_curvature._expanded", lambda *given: found)
    problem = Problem([], torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))
    member = _member(problem, {"weight": torch.zeros(1, 1)}, 0, at_minimum=False)
    assert member == {
        **{"loss": 1.5, "gradient_norm": 5.0},
        **{"lowest": -0.005, "negative_share": 0.25, "largest": 100.0},
    }


def test_a_limit_that_is_not_among_the_rates_tried_is_undefined() -> None:
    near = torch.ones(2).double()
    assert _largest_stable_rate(lambda rates: torch.ones_like(rates).bool(), near).isnan().all()
    assert _largest_stable_rate(lambda rates: torch.zeros_like(rates).bool(), near).isnan().all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"examples": 61}, "examples is 61; allowed: 2 to 60, the training images"),
        ({"pooled_side": 5}, "pooled_side is 5; allowed: at most 4"),
    ],
)
def test_impossible_settings_are_refused(
    square_images: Images, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        measure(square_images, "plain", 2, **SETTINGS | changed)
