"""One arm trained from settings to rows."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import pandas as pd
import pytest
import torch
from network_cases import PERCEPTRONS

from movingtarget.data.load import Images
from movingtarget.experiments import image_gradients
from movingtarget.networks import Architecture, Parameters, build_random
from movingtarget.networks.initialise import Weights
from movingtarget.training.arms import measure_arm, train_arm
from movingtarget.training.tuned import Tuned

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SEEDS = [3, 5]
SIZES = {"hidden_width": 8, "activation": "relu"}
SETTINGS: dict[str, Any] = {
    **SIZES,
    "seeds": SEEDS,
    "initial_weights": "normal",
    "given": {"iterations": 2, "gamma": 1.0},
    "tuning_seeds": [100],
    "learning_rates": [0.05],
    "batch_size": 10,
    "epochs": 2,
    "evaluations_per_epoch": 1,
    "evaluation_examples": 40,
    "curve_window": 2,
    "snapshot_steps": [],
}


def images() -> Images:
    """Two classes that a line separates."""
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(160, 6, generator=source)
    labels = (inputs[:, 0] > 0).long()
    return Images(inputs[:80], labels[:80], inputs[80:], labels[80:])


def arm(network: str, update_rule: str = "sgd") -> dict[str, Any]:
    return {"network": network, "depth": 3, "update_rule": update_rule}


def trained(network: str, update_rule: str = "sgd", **changes: Any) -> Tuned:
    return train_arm(arm(network, update_rule), images(), SETTINGS | changes)


@pytest.mark.parametrize(
    ("network", "update_rule"),
    [("plain", "sgd"), ("batch-norm", "sgd"), ("residual", "sgd"), ("plain", "locoprop")],
)
def test_the_tested_seeds_alone_are_in_the_curves_and_the_snapshots(network: str, update_rule: str):
    found, table, snapshots = trained(network, update_rule)
    assert set(table["seed"]) == set(SEEDS)
    assert set(table["learning_rate"]) == {found.best}
    assert {len(losses) for losses in found.losses.values()} == {1}
    assert list(snapshots) == [0, 8, 16]
    assert all(len(value) == len(SEEDS) for value in snapshots[16].values())
    assert any(not torch.equal(snapshots[0][name], value) for name, value in snapshots[16].items())


def test_a_study_of_arms_writes_curves_and_search_and_keeps_its_members(written: Written):
    given: dict[str, Any] = {"arm": arm("plain"), "images": images(), "kept": None}
    given |= {"keep": lambda data: None, "say": lambda line: None}
    tables, snapshots = measure_arm("depth_ladder", **given, **SETTINGS)
    search, curves = (written(tables[name], name) for name in ("depth_ladder_search", "depth_ladder"))
    assert set(tables) == {"depth_ladder", "depth_ladder_search"}
    for table in (search, curves):
        assert (table[[*arm("plain")]] == [*arm("plain").values()]).all(axis=None)
    best = search[search["place"] != "tried"]
    assert set(best["learning_rate"]) == set(curves["learning_rate"])
    assert set(search["seed"]) == {100}
    expected = trained("plain")
    assert tables["depth_ladder"].equals(expected.table.assign(**arm("plain")))
    assert_same(snapshots, expected.snapshots)


def assert_same(one: dict[int, Parameters], other: dict[int, Parameters]) -> None:
    assert list(one) == list(other)
    for step, parameters in one.items():
        assert all(torch.equal(other[step][name], value) for name, value in parameters.items())


def test_measurements_of_snapshots_have_a_row_for_each_seed_and_layer(written: Written):
    members = trained("plain").snapshots
    given: dict[str, Any] = {"arm": arm("plain"), "members": members, "images": images(), "seeds": SEEDS}
    given |= SIZES
    gradients = image_gradients.measure(**given, examples=8)
    assert len(written(gradients["image_gradients"], "image_gradients")) == 2 * 3 * 2 * len(SEEDS)
    assert (gradients["image_gradients"][[*arm("plain")]] == [*arm("plain").values()]).all(axis=None)


@pytest.mark.parametrize(
    ("asked", "steps"), [(1, [8]), (2, [4, 8]), (3, [3, 6, 8]), (8, range(1, 9)), (99, range(1, 9))]
)
def test_evaluations_are_evenly_spaced_in_every_epoch(asked: int, steps: Sequence[int]):
    table = trained("plain", evaluations_per_epoch=asked).table
    scored = table[table["quantity"] == "test_loss"]
    assert scored["step"].unique().tolist() == [0, *steps, *(8 + step for step in steps)]


@pytest.mark.parametrize("weights", ["normal", "orthogonal"])
@pytest.mark.parametrize("network", PERCEPTRONS)
def test_members_start_from_the_initial_weights_of_their_seed(network: str, weights: Weights):
    initial = trained(network, initial_weights=weights).snapshots[0]
    for place, seed in enumerate(SEEDS):
        alone = build_random(Architecture(network, 6, 8, 3, 2, "relu", weights), seed)
        for name, value in alone.named_parameters():
            assert torch.equal(initial[name][place], value)


def test_snapshots_are_kept_at_the_steps_asked_for_too():
    _, table, snapshots = trained("plain", snapshot_steps=[1, 3])
    assert list(snapshots) == [0, 1, 3, 8, 16]
    assert table.equals(trained("plain").table)


def test_going_on_from_what_was_kept_changes_nothing():
    kept: list[dict[str, Any]] = []
    whole = train_arm(arm("plain"), images(), SETTINGS, keep=lambda data: kept.append(deepcopy(data)))
    resumed = train_arm(arm("plain"), images(), SETTINGS, kept=kept[-2])
    assert resumed.table.equals(whole.table)
    assert_same(resumed.snapshots, whole.snapshots)
