"""Information between layers of networks that the study trains."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from movingtarget.data.load import Images
from movingtarget.experiments.mutual_information import (
    STUDY,
    chosen,
    jobs,
    learning,
    measure,
    plan_of,
    problems,
)
from movingtarget.networks.dials import DIALS
from movingtarget.settings import DIALLED
from movingtarget.training.minibatches import batches

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SETTINGS: dict[str, Any] = {
    **{"seeds": [0, 1], "tuning_seeds": [100], "learning_rates": [0.1], "hidden_width": 6, "batch_size": 8},
    **{"steps": 6, "curve_window": 2, "evaluation_examples": 20, "threshold": 1.3, "examples": 30},
    **{"noises": [0.3, 1.0], "noise": 0.3, "layers": 7, "measured_steps": [0, 6], "activation": "tanh"},
    **{"estimators": ["copula", "alignment"]},
}
CONFIG: dict[str, Any] = {
    "mutual_information": {
        **{key: value for key, value in SETTINGS.items() if key != "activation"},
        **{
            "networks": ["plain", "residual", "residual-unscaled", "orthogonal"],
            "activations": ["tanh", "relu"],
        },
        **{"depths": [4, 8], "dialled_depths": [4]},
        "dials": {"gain": [0.5], "branch": [0.1, 0.3], "rank": [2]},
    }
}


def measured(images: Images, network: str = "residual-unscaled", **given: Any) -> dict[str, pd.DataFrame]:
    arm = {"network": network, "dial": "none", "dial_settings": [1.0], "depths": [3, 4]}
    return measure(images, **arm | SETTINGS | given)


@pytest.fixture(scope="module")
def usual(images: Images) -> dict[str, pd.DataFrame]:
    return measured(images)


def test_rows_are_those_of_the_tables_declared(usual: dict[str, pd.DataFrame], written: Written) -> None:
    tables = {name: written(table, name) for name, table in usual.items()}
    assert set(tables) == set(STUDY.tables)
    rows = tables["mutual_information"]
    usual_reading = {"estimator": "gaussian", "noise": 0.3, "scaling": "deviation", "seed": 0, "depth": 4}
    chosen_rows = rows[(rows[[*usual_reading]] == pd.Series(usual_reading)).all(axis=1)]
    found = chosen_rows.groupby(["step", "relation"])["layer"].apply(list).to_dict()
    assert found == {
        (0, "layers"): [1, 2, 3],
        (0, "branch"): [1, 2, 3],
        (0, "permuted"): [1, 2, 3],
        (6, "layers"): [1, 2, 3],
    }
    noises = rows[rows["estimator"] == "gaussian"].groupby(["step", "relation"])["noise"].unique()
    assert {key: sorted(values) for key, values in noises.items()} == {
        (0, "layers"): [0.3, 1.0],
        (0, "branch"): [0.3],
        (0, "permuted"): [0.3],
        (6, "layers"): [0.3],
    }
    others = rows[rows["estimator"] != "gaussian"]
    assert set(others["estimator"]) == {"copula", "alignment"}
    assert others.groupby("depth")["layer"].unique().map(list).to_dict() == {3: [1], 4: [2]}
    assert set(others["step"]) == {0}


def test_the_best_rate_of_the_search_is_trained(usual: dict[str, pd.DataFrame]) -> None:
    searched = usual["mutual_information_search"]
    losses = searched.groupby(["depth", "learning_rate"])["train_loss"].mean()
    for depth, of_depth in usual["information_training"].groupby("depth"):
        assert set(of_depth["learning_rate"]) == {losses[depth].idxmin()}


def test_training_is_torchs_own_descent(images: Images) -> None:
    arm = {"network": "plain", "dial": "none", "setting": 1.0, "depth": 3}
    table = measured(images, "plain", depths=[3])["information_training"]
    plan, draw = plan_of(images, arm, SETTINGS)

    network = draw(0)
    optimiser = torch.optim.SGD(network.parameters(), lr=table["learning_rate"].iloc[0])
    losses = []
    for index in [next_[0] for next_ in batches(60, 8, [0], 0)][: plan.steps]:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(images.train_inputs[index]), images.train_labels[index])
        loss.backward()
        losses.append(loss.item())
        optimiser.step()
    found = table[(table["seed"] == 0) & (table["step"] == 6)].set_index("quantity")["value"]
    expected = nn.functional.cross_entropy(network(images.train_inputs[:20]), images.train_labels[:20])
    assert found["train_loss"] == pytest.approx(expected.item(), rel=1e-5)
    windows = [(losses[start] + losses[start + 1]) / 2 for start in (0, 2, 4)]
    reached = [2 * (place + 1) for place, loss in enumerate(windows) if loss <= SETTINGS["threshold"]]
    assert found["steps"] == (reached[0] if reached else 6)


def test_steps_are_to_the_first_window_at_or_below_the_threshold_or_all() -> None:
    curves = {0: [2.0, 1.0, 0.5], 1: [1.2, 1.1, 1.001], 2: [math.nan] * 3}
    rows = [
        {"seed": seed, "step": 4 * place, "quantity": "batch_loss", "value": value}
        for seed, curve in curves.items()
        for place, value in enumerate(curve, start=1)
    ]
    found = learning(pd.DataFrame(rows), {"steps": 12, "threshold": 1.0})
    by_quantity = {name: of.set_index("seed")["value"].to_dict() for name, of in found.groupby("quantity")}
    assert by_quantity == {"steps": {0: 8, 1: 12, 2: 12}, "reached": {0: 1, 1: 0, 2: 0}}
    assert set(found["step"]) == {12}


def test_scale_is_that_of_the_middle_layer_before_training(images: Images) -> None:
    table = measured(images, "orthogonal", depths=[4])["information_training"]
    _, draw = plan_of(images, {"network": "orthogonal", "dial": "none", "setting": 1.0, "depth": 4}, SETTINGS)
    for seed in (0, 1):
        hidden = draw(seed).get_submodule("hidden")
        values = hidden[1](hidden[0](images.test_inputs[:30]))  # type: ignore[index]
        found = table[(table["quantity"] == "scale") & (table["seed"] == seed)]
        assert found["value"].item() == pytest.approx(values.square().mean().sqrt().log().item(), rel=1e-5)
        assert found["step"].item() == 0


@pytest.mark.parametrize("dial", DIALLED)
def test_a_dial_turns_the_weights_of_its_network(images: Images, dial: str) -> None:
    arm = {"network": DIALLED[dial], "dial": dial, "setting": 2.0, "depth": 3}
    _, draw = plan_of(images, arm, SETTINGS)
    _, draw_plain = plan_of(images, arm | {"dial": "none"}, SETTINGS)
    turned, drawn = draw(0).state_dict(), draw_plain(0).state_dict()
    changed = {name for name, value in turned.items() if not torch.equal(value, drawn[name])}
    middle = "branch.2" if dial == "branch" else "linear"
    assert changed == {f"hidden.{place}.{middle}.weight" for place in (1, 2)}
    assert turned.keys() == drawn.keys()


def test_the_dials_declared_are_those_there_are() -> None:
    assert set(DIALLED) == set(DIALS)


def test_an_interrupted_job_trains_only_what_is_missing(
    images: Images, usual: dict[str, pd.DataFrame]
) -> None:
    kept: dict[str, Any] = {}
    measured(images, keep=kept.update)
    said: list[str] = []
    done = dict([next(iter(kept.items()))])
    resumed = measured(images, kept=done, say=said.append)
    assert said == ["residual-unscaled, none 1, depth 4"]
    for name, table in usual.items():
        pd.testing.assert_frame_equal(resumed[name], table)


def test_a_job_for_each_network_and_dial_with_each_activation() -> None:
    made = {job.name: job for job in jobs(CONFIG)}
    assert [*made] == [
        f"{name}-{activation}"
        for name in ("plain", "residual", "residual-unscaled", "orthogonal", "gain", "branch", "rank")
        for activation in ("tanh", "relu")
    ]
    branch = made["branch-relu"]
    assert branch.families == ("residual-unscaled",)
    assert branch.estimators == ("gaussian", "copula", "alignment")
    named = {
        key: branch.settings[key] for key in ("network", "dial", "dial_settings", "activation", "depths")
    }
    assert named == {
        **{"network": "residual-unscaled", "dial": "branch", "dial_settings": [0.1, 0.3]},
        **{"activation": "relu", "depths": [4]},
    }
    assert made["plain-tanh"].settings["depths"] == [4, 8]


def test_pairs_are_spread_evenly_and_hold_the_middle_one() -> None:
    assert chosen(8, 7) == [1, 2, 3, 4, 5, 6, 7]
    assert chosen(2, 7) == [1]
    assert chosen(32, 1) == [1, 16]
    for depth in range(2, 40):
        places = chosen(depth, 7)
        assert depth // 2 in places
        assert places[0] == 1
        assert places[-1] == depth - 1
        assert len(places) <= 8


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "few examples": (
        {"examples": 12},
        "examples is 12; allowed: 13 or more, more than two layers",
    ),
    "crelu": ({"networks": ["plain", "crelu"], "examples": 24}, "examples is 24; allowed: 25 or more"),
    "long windows": ({"curve_window": 7}, "curve_window is 7; allowed: 1 to 6, mutual_information.steps"),
    "map units": (
        {"networks": ["plain", "residual", "residual-unscaled", "orthogonal", "patch-convolution"]},
        "hidden_width is 6; allowed: multiples of 16 with network patch-convolution",
    ),
    "another noise": ({"noise": 0.2}, "noise is 0.2; allowed: one of noises, 0.3, 1.0"),
    "no start": ({"measured_steps": [6]}, "measured_steps lacks 0; allowed: lists with 0, the start"),
    "after the end": ({"measured_steps": [0, 7]}, "measured_steps has 7; allowed: 0 to 6"),
    "full rank": ({"dials": {"gain": [2], "branch": [2], "rank": [6]}}, "dials.rank has 6; allowed: whole"),
    "half a rank": (
        {"dials": {"gain": [2], "branch": [2], "rank": [2.5]}},
        "dials.rank has 2.5; allowed:",
    ),
    "gain 1": ({"dials": {"gain": [1.0], "branch": [2], "rank": [2]}}, "dials.gain has 1; allowed: other"),
    "depth": ({"dialled_depths": [16]}, "dialled_depths has 16; allowed: some of mutual_information.depths"),
    "no plain": ({"networks": ["orthogonal", "residual-unscaled"]}, "networks lacks plain; allowed: lists"),
    "no dialled": (
        {"networks": ["orthogonal", "plain", "residual"]},
        "networks lacks residual-unscaled; allowed: lists",
    ),
    "shared seeds": ({"tuning_seeds": [1]}, "tuning_seeds has 1; allowed: none of mutual_information.seeds"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str) -> None:
    changed, message = WRONG[name]
    config = {"mutual_information": CONFIG["mutual_information"] | changed}
    assert next(problems(config)).startswith(f"mutual_information.{message}")


@cache
def no_problems() -> list[str]:
    return list(problems(CONFIG))


def test_nothing_is_wrong_with_usual_settings() -> None:
    assert no_problems() == []
