"""Trainings of autoencoders: looks, horizons, resumption, images shown."""

import copy
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from movingtarget.data.load import Images
from movingtarget.experiments.autoencoders import STUDY, measure
from movingtarget.networks.autoencoder import initialise_glorot
from movingtarget.networks.losses import member_losses
from movingtarget.training.autoencoders import network_of, plan_of, some_images, start_of
from movingtarget.training.loop import train
from movingtarget.training.trials import Trial

Written = Callable[[pd.DataFrame, str], pd.DataFrame]

NAMED: dict[str, Any] = {"data": "digits", "architecture": "small"}
SETTINGS: dict[str, Any] = {
    "hidden_widths": [5, 3],
    "normalisation": "none",
    "batch_size": 10,
    "activation": "tanh",
    "iterations": 2,
}
OTHERS: dict[str, Any] = {
    "training_images": 30,
    "test_images": 10,
    "pooling": 1,
    "horizons": [2, 4],
    "shown_images": 2,
}


@pytest.fixture
def pixels() -> Images:
    source = torch.Generator().manual_seed(0)
    inputs = torch.rand(40, 12, generator=source)
    return Images(inputs[:30], torch.zeros(30).long(), inputs[30:], torch.zeros(10).long())


def searched(method: str, rate: float = 1e-3, value: float = 2.0) -> pd.DataFrame:
    rows = {"architecture": "small", "method": method, "learning_rate": [rate, 1.0]}
    return pd.DataFrame({**rows, "searched_value": value, "place": ["best at an edge", "tried"]})


def measured(pixels: Images, method: str = "locoprop-m", **changes: Any) -> dict[str, pd.DataFrame]:
    given = {"locoprop_search": searched(method), **NAMED, **SETTINGS, **OTHERS, "seeds": [3, 4]} | changes
    return measure(pixels, method=method, **given)


def test_tables_are_those_that_the_study_declares(pixels: Images, written: Written) -> None:
    made = measured(pixels)
    assert set(made) == set(STUDY.tables)
    for name, table in made.items():
        written(table, name)


def test_the_longest_is_looked_at_after_every_epoch(pixels: Images, written: Written) -> None:
    table = written(measured(pixels)["locoprop"], "locoprop")
    for _, rows in table.groupby("seed"):
        assert rows["epoch"].tolist() == [0, 1, 2, 3, 4]
        assert rows["step"].tolist() == [0, 3, 6, 9, 12]
        assert rows["gradient_evaluations"].tolist() == [0, 6, 12, 18, 24]
        assert (np.diff(rows["flops"]) > 0).all()
        assert rows["train_loss"].iloc[-1] < rows["train_loss"].iloc[0]


def test_the_look_before_training_is_at_the_initial_weights(pixels: Images) -> None:
    table = measured(pixels)["locoprop"]
    few = some_images(pixels, 30, 10, 1)
    for seed in (3, 4):
        network = initialise_glorot(network_of(12, SETTINGS), seed)
        logits = network(few.train_inputs).detach()
        start = table[(table["seed"] == seed) & (table["epoch"] == 0)].iloc[0]
        loss = member_losses(logits[None], few.train_inputs[None]).item()
        assert start["train_loss"] == pytest.approx(loss, rel=1e-6)
        error = (logits.sigmoid() - few.train_inputs).square().sum(-1).mean().item()
        assert start["train_squared_error"] == pytest.approx(error, rel=1e-6)


def test_each_horizon_is_a_training_of_its_own(pixels: Images, written: Written) -> None:
    made = measured(pixels)
    table = written(made["locoprop_horizons"], "locoprop_horizons")
    for horizon in (2, 4):
        rows = table[table["horizon"] == horizon]
        plan = plan_of(
            some_images(pixels, 30, 10, 1), "locoprop-m", [Trial(1e-3, 2.0)], [3, 4], horizon, SETTINGS
        )
        expected = {
            row["seed"]: row["value"]
            for row in train(plan, start_of(plan, SETTINGS)).rows
            if row["quantity"] == "test_loss" and row["step"] == 3 * horizon
        }
        assert dict(zip(rows["seed"], rows["test_loss"], strict=True)) == expected
    ends = made["locoprop"][made["locoprop"]["epoch"] == 4]
    assert table[table["horizon"] == 4]["train_loss"].tolist() == ends["train_loss"].tolist()


def test_settings_are_those_of_the_search(pixels: Images) -> None:
    still = measured(pixels, locoprop_search=searched("locoprop-m", rate=1e-30))["locoprop"]
    assert (still.groupby("seed")["train_loss"].nunique() == 1).all()


def test_a_diverged_training_is_recorded(pixels: Images, written: Written) -> None:
    table = measured(pixels, "sgd", locoprop_search=searched("sgd", rate=1e30))["locoprop"]
    ends = written(table, "locoprop").query("epoch == 4")
    assert len(ends) == 2
    assert ends["train_loss"].isna().all()


def test_the_first_seeds_reconstructions_are_shown(pixels: Images, written: Written) -> None:
    table = written(measured(pixels)["locoprop_reconstructions"], "locoprop_reconstructions")
    assert len(table) == 24
    originals = table["original"].to_numpy().reshape(2, 12)
    np.testing.assert_allclose(originals, some_images(pixels, 30, 10, 1).test_inputs[:2].numpy(), atol=1e-4)
    plan = plan_of(some_images(pixels, 30, 10, 1), "locoprop-m", [Trial(1e-3, 2.0)], [3], 4, SETTINGS)
    state = train(plan, start_of(plan, SETTINGS))
    network = network_of(12, SETTINGS)
    network.load_state_dict({name: value[0] for name, value in state.parameters.items()})
    expected = network(plan.images.test_inputs[:2]).sigmoid().detach().numpy()
    np.testing.assert_allclose(table["reconstruction"].to_numpy().reshape(2, 12), expected, atol=1e-4)


@pytest.mark.parametrize("normalisation", ["none", "batch-norm"])
def test_nothing_is_shown_where_none_is_wanted(pixels: Images, normalisation: str) -> None:
    made = measured(pixels, shown_images=0, normalisation=normalisation)
    assert made["locoprop_reconstructions"].empty


@pytest.mark.parametrize("method", ["sgd", "locoprop-m", "locoprop-s"])
def test_a_killed_job_goes_on_with_the_same_numbers(pixels: Images, method: str) -> None:
    """From every checkpoint, read as it was written, to tables that are equal to the bit."""
    files: list[bytes] = []

    def keep(state: dict[str, Any]) -> None:
        file = io.BytesIO()
        torch.save(state, file)
        files.append(file.getvalue())

    whole = measured(pixels, method, keep=keep)
    assert len(files) == 4 + 2 + 2
    for file in files:
        kept = torch.load(io.BytesIO(file), weights_only=True)
        again = measured(pixels, method, kept=copy.deepcopy(kept))
        for name, table in whole.items():
            pd.testing.assert_frame_equal(again[name], table, check_exact=True)


NORMALISED = {"name": "batch-norm", "hidden_widths": [5], "normalisation": "batch-norm", "methods": ["adam"]}


def config(**changes: Any) -> dict[str, Any]:
    section = {
        "seeds": [0, 1, 2],
        "seeds_in_a_job": 2,
        "tuning_seeds": [9],
        "trials": 4,
        "finalists": 2,
        "horizons": [2, 4],
        "training_images": 30,
        "test_images": 10,
        "pooling": 1,
        "batch_size": 10,
        "activation": "tanh",
        "iterations": 2,
        "shown_images": 4,
        "architectures": [
            {"name": "small", "hidden_widths": [5], "normalisation": "none", "methods": ["sgd", "adam"]},
            {"name": "other", "hidden_widths": [4], "normalisation": "none", "methods": ["adam"]},
        ],
    }
    return {"dataset": "digits", "autoencoders": section | changes}


def test_a_job_for_each_method_and_group_of_seeds_of_which_one_shows_images() -> None:
    jobs = {job.name: job.settings for job in STUDY.jobs(config())}
    assert [*jobs] == [
        *("small-sgd-0", "small-sgd-2", "small-adam-0", "small-adam-2", "other-adam-0", "other-adam-2")
    ]
    assert [settings["seeds"] for settings in jobs.values()] == [[0, 1], [2]] * 3
    assert [settings["shown_images"] for settings in jobs.values()] == [4, 0, 4, 0, 0, 0]
    assert [settings["horizons"] for settings in jobs.values()] == [[2, 4]] * 4 + [[4]] * 2


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"batch_size": 31}, "batch_size is 31; allowed: at most 30, autoencoders.training_images"),
        (
            {"architectures": [config()["autoencoders"]["architectures"][0]] * 2},
            r"architectures\[1\].name is small; allowed: a name that no other has",
        ),
        (
            {
                "architectures": [
                    *config()["autoencoders"]["architectures"],
                    NORMALISED | {"hidden_widths": [4]},
                ]
            },
            r"architectures\[2\].hidden_widths is \[4\]; allowed for batch-norm: \[5\]",
        ),
        (
            {
                "architectures": [
                    *config()["autoencoders"]["architectures"],
                    NORMALISED | {"normalisation": "none"},
                ]
            },
            r"architectures\[2\].normalisation is none; allowed for batch-norm: batch-norm",
        ),
        ({"finalists": 5}, "finalists is 5; allowed: at most 4, autoencoders.trials"),
        ({"pooling": 3}, "pooling is 3; allowed: divisors of 8, the side of an image"),
        ({"shown_images": 11}, "shown_images is 11; allowed: at most 10, autoencoders.test_images"),
        ({"tuning_seeds": [1]}, "tuning_seeds has 1; allowed: none of autoencoders.seeds"),
        (
            {"architectures": config()["autoencoders"]["architectures"][1:]},
            r"architectures\[other\].methods lack sgd; allowed: sgd, whose cost is the budget, among them",
        ),
    ],
)
def test_settings_that_do_not_fit_are_told(changes: dict[str, Any], line: str) -> None:
    [problem] = STUDY.problems(config(**changes))
    assert re.search(line, problem)


def test_settings_that_fit_have_no_problem() -> None:
    assert not [*STUDY.problems(config())]
