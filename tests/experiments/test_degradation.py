"""Training error once it has stopped falling."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from movingtarget.data.load import Images
from movingtarget.experiments.degradation import STUDY, _has_stopped, measure, until_it_stops
from movingtarget.networks.build import Architecture, build, build_random
from movingtarget.training.loop import Training
from movingtarget.training.simultaneous import simultaneous

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SETTINGS: dict[str, Any] = {
    "seeds": [0, 1],
    "tuning_seeds": [100],
    "learning_rates": [0.03, 0.1],
    "hidden_width": 8,
    "activation": "relu",
    "initial_weights": "normal",
    "examples": 24,
    "batch_size": 8,
    "epochs": 5,
    "tuning_epochs": 2,
    "patience": 2,
}


@pytest.fixture(scope="module")
def images() -> Images:
    inputs = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60) % 3
    return Images(inputs, labels, inputs[:8] + 0.1, labels[:8])


def plan(images: Images, rate: float, seeds: list[int]) -> tuple[Training, Architecture]:
    architecture = Architecture("plain", 5, 8, 2, 3)
    few = Images(images.train_inputs[:24], images.train_labels[:24], *images[2:4])
    training = Training(
        build(architecture),
        simultaneous,
        few,
        seeds,
        [rate],
        8,
        0,
        (),
        evaluation_examples=24,
        curve_window=99,
    )
    return training, architecture


def test_tables_have_their_rows(images: Images, written: Written) -> None:
    tables = measure(images, "plain", 2, **SETTINGS)
    scores = written(tables["degradation"], "degradation")
    assert set(scores["seed"]) == {0, 1}
    assert len(scores) == 3 * 2 * scores["step"].nunique()
    search = written(tables["degradation_search"], "degradation_search")
    assert set(search["seed"]) == {100}
    (best,) = search.loc[search["place"] != "tried", "learning_rate"].unique()
    assert set(scores["learning_rate"]) == {best}


def test_every_rate_of_the_search_is_trained_for_as_long(images: Images) -> None:
    settings = SETTINGS | {"seeds": [0], "patience": 1, "tuning_epochs": 3}
    search = measure(images, "plain", 2, **settings)["degradation_search"]
    training, architecture = plan(images, 0.03, [100])
    scores = until_it_stops(training, partial(build_random, architecture), epochs=3, patience=9)
    (expected,) = scores.loc[(scores["quantity"] == "train_loss") & (scores["step"] == 9), "value"]
    (found,) = search.loc[search["learning_rate"] == 0.03, "train_loss"]
    assert found == pytest.approx(expected, rel=1e-6)


def test_errors_are_those_of_a_loop_of_torch(images: Images) -> None:
    training, architecture = plan(images, 0.1, [3])
    scores = until_it_stops(training, partial(build_random, architecture), epochs=4, patience=9)
    values = scores.pivot(index="step", columns="quantity", values="value")
    network = build_random(architecture, 3)
    inputs, labels = images.train_inputs[:24], images.train_labels[:24]
    with torch.no_grad():
        wrong = (network(inputs).argmax(-1) != labels).double().mean().item()
        loss = torch.nn.functional.cross_entropy(network(inputs), labels).item()
    assert values.loc[0, "train_error"] == pytest.approx(wrong)
    assert values.loc[0, "train_loss"] == pytest.approx(loss, rel=1e-5)
    assert values.index.tolist() == [0, 3, 6, 9, 12]
    np.testing.assert_array_equal(values["lowest_error"], np.minimum.accumulate(values["train_error"]))


def test_a_network_that_diverges_errs_on_every_image_and_stops(images: Images) -> None:
    training, architecture = plan(images, 1e6, [3])
    scores = until_it_stops(training, partial(build_random, architecture), epochs=9, patience=3)
    errors = scores[scores["quantity"] == "train_error"].set_index("step")["value"]
    assert errors.iloc[1:].tolist() == [1.0] * 3  # no new lowest for three epochs


def scores_of(errors: list[list[float]]) -> pd.DataFrame:
    """Of members by evaluations."""
    rows = [
        {"learning_rate": 0.1, "seed": seed, "step": step, "quantity": "lowest_error", "value": value}
        for seed, course in enumerate(errors)
        for step, value in enumerate(np.minimum.accumulate(course))
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("errors", "stopped"),
    [
        ([[0.5, 0.2, 0.3, 0.2]], True),
        ([[0.5, 0.2, 0.3]], False),  # too few evaluations since
        ([[0.5, 0.2, 0.3, 0.2], [0.5, 0.4, 0.3, 0.3]], False),  # one member still falls
        ([[0.5, 0.0], [0.1, 0.0]], True),  # none errs
        ([[0.5, 0.0], [0.1, 0.1]], False),
        ([[0.5]], False),
    ],
)
def test_training_stops_where_no_member_gets_better(errors: list[list[float]], stopped: bool) -> None:
    assert _has_stopped(scores_of(errors), patience=2) is stopped


def test_bad_settings_are_one_line() -> None:
    section = {**SETTINGS, "batch_size": 25, "tuning_seeds": [100, 1]}
    assert list(STUDY.problems({"degradation": section})) == [
        "degradation.batch_size is 25; allowed: at most 24, degradation.examples",
        "degradation.tuning_seeds has 1; allowed: none of degradation.seeds, which are tested",
    ]
