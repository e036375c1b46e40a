"""The search of every method's settings."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from movingtarget.autoencoders import settings_of
from movingtarget.data.load import Images
from movingtarget.experiments import autoencoder_search
from movingtarget.experiments.autoencoder_search import STUDY, best_trial, measure
from movingtarget.methods import METHODS
from movingtarget.training.autoencoders import plan_of
from movingtarget.training.loop import Training
from movingtarget.training.trials import Trial, trials_of

Written = Callable[[pd.DataFrame, str], pd.DataFrame]

SETTINGS: dict[str, Any] = {
    "data": "digits",
    "architecture": "small",
    "hidden_widths": [5, 3],
    "normalisation": "none",
    "training_images": 30,
    "test_images": 10,
    "pooling": 1,
    "batch_size": 10,
    "activation": "tanh",
    "iterations": 2,
    "tuning_seeds": [8, 9],
    "trials": 4,
    "epochs": 7,
    "search_epochs": 2,
    "finalists": 2,
}

CONFIG: dict[str, Any] = {
    "dataset": "digits",
    "autoencoders": {
        **{
            key: SETTINGS[key]
            for key in ("training_images", "test_images", "pooling", "batch_size", "activation")
        },
        **{key: SETTINGS[key] for key in ("tuning_seeds", "trials", "search_epochs", "finalists")},
        "horizons": [7, 3],
        "iterations": 2,
        "renewal_steps": 5,
        "architectures": [
            {"name": "small", "hidden_widths": [5, 3], "normalisation": "none", "methods": ["sgd", "adam"]},
            {
                "name": "other",
                "hidden_widths": [4],
                "normalisation": "batch-norm",
                "methods": ["locoprop-m", "k-fac"],
            },
        ],
    },
}


@pytest.fixture
def pixels() -> Images:
    source = torch.Generator().manual_seed(0)
    inputs = torch.rand(40, 12, generator=source)
    return Images(inputs[:30], torch.zeros(30).long(), inputs[30:], torch.zeros(10).long())


def test_a_job_for_each_method_on_each_architecture() -> None:
    jobs = {job.name: job for job in STUDY.jobs(CONFIG)}
    assert [*jobs] == ["small-sgd", "small-adam", "other-locoprop-m", "other-k-fac"]
    of_all = {key: value for key, value in SETTINGS.items() if key != "iterations"}
    assert jobs["small-sgd"].settings == of_all | {"method": "sgd"}
    assert jobs["small-sgd"].methods == ("sgd",)
    other = of_all | {"architecture": "other", "hidden_widths": [4], "normalisation": "batch-norm"}
    assert jobs["other-locoprop-m"].settings == other | {"method": "locoprop-m", "iterations": 2}
    assert jobs["other-k-fac"].settings == other | {"method": "k-fac", "renewal_steps": 5}
    assert settings_of(CONFIG, "other", "iterations")["hidden_widths"] == [4]


def test_every_trial_has_a_row_for_each_seed_and_one_is_best(pixels: Images, written: Written) -> None:
    lines: list[str] = []
    made = measure(pixels, method="locoprop-m", say=lines.append, **SETTINGS)
    table = written(made["locoprop_search"], "locoprop_search")
    trials = trials_of("locoprop-m", 4)
    assert len(table) == 8
    assert len(lines) == 6
    for number, line in enumerate(lines[:4], 1):
        assert line.startswith(f"trial {number}/4: ")
        assert line.endswith(" nats after 2 epochs")
    assert all(line.endswith(" nats after 7 epochs") for line in lines[4:])
    for number, trial in enumerate(trials):
        rows = table[table["trial"] == number]
        assert rows["learning_rate"].tolist() == [trial.learning_rate] * 2
        assert rows["searched_value"].tolist() == [trial.value] * 2
    means = table.groupby("trial")["train_loss"].mean()
    full = table.groupby("trial")["full_loss"].mean()
    assert set(full.dropna().index) == set(means.nsmallest(2).index)
    assert set(table.loc[table["place"] != "tried", "trial"]) == {full.idxmin()}
    assert best_trial(table, "small", "locoprop-m") == trials[full.argmin()]
    assert set(table["searched"]) == {"gamma"}
    assert (means < 13).all()


def test_losses_choose_the_best_and_divergence_never_wins(
    pixels: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = [trial.learning_rate for trial in trials_of("sgd", 4)]
    losses = dict(zip(rates, [[2.0, 4.0], [1.0, np.inf], [3.5, 2.0], [9.0, 9.0]], strict=True))
    monkeypatch.setattr(
        autoencoder_search, "final_losses", lambda plan, settings: losses[plan.learning_rates[0]]
    )
    table = measure(pixels, method="sgd", **SETTINGS)["locoprop_search"]
    assert set(table.loc[table["place"] != "tried", "trial"]) == {2}
    lowest = rates.index(min(rates))
    losses[rates[lowest]] = [0.0, 0.0]
    table = measure(pixels, method="sgd", **SETTINGS)["locoprop_search"]
    assert set(table.loc[table["place"] == "best at an edge", "trial"]) == {lowest}


def test_a_diverged_training_counts_as_infinite(pixels: Images) -> None:
    plan = plan_of(pixels.to_reconstruct(), "sgd", [Trial(1e30, np.nan)], [8, 9], 2, SETTINGS)
    assert autoencoder_search.final_losses(plan, SETTINGS) == [np.inf, np.inf]


def test_the_lowest_trials_are_trained_in_full_and_decide(
    pixels: Images, monkeypatch: pytest.MonkeyPatch, written: Written
) -> None:
    rates = [trial.learning_rate for trial in trials_of("sgd", 4)]
    short = dict(zip(rates, [[2.0, 4.0], [1.0, np.inf], [3.5, 2.0], [9.0, 9.0]], strict=True))
    full = dict(zip(rates, [[1.0, 1.5], [0.0, 0.0], [np.inf, 1.0], [0.0, 0.0]], strict=True))
    lengths: list[int] = []

    def final_losses(plan: Training, settings: dict[str, Any]) -> list[float]:
        lengths.append(plan.steps)
        assert plan.members == [(plan.learning_rates[0], seed) for seed in (8, 9)]
        return (short if plan.steps == 6 else full)[plan.learning_rates[0]]

    monkeypatch.setattr(autoencoder_search, "final_losses", final_losses)
    table = written(measure(pixels, method="sgd", **SETTINGS)["locoprop_search"], "locoprop_search")
    assert lengths == [6] * 4 + [21] * 2
    assert table["train_loss"].tolist() == [loss for rate in rates for loss in short[rate]]
    assert table["full_loss"].fillna(-1).tolist() == [1.0, 1.5, -1, -1, np.inf, 1.0, -1, -1]
    assert set(table.loc[table["place"] != "tried", "trial"]) == {0}


def test_an_interrupted_search_goes_on(pixels: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[dict[str, Any]] = []
    whole = measure(pixels, method="locoprop-s", keep=kept.append, **SETTINGS)["locoprop_search"]
    assert [len(state["losses"]) for state in kept] == [1, 2, 3, 4, 5, 6]
    tried: list[float] = []
    original = autoencoder_search.final_losses

    def counting(plan: Training, settings: dict[str, Any]) -> list[float]:
        tried.append(plan.learning_rates[0])
        return original(plan, settings)

    monkeypatch.setattr(autoencoder_search, "final_losses", counting)
    for done, left in ((2, 4), (4, 2), (5, 1), (6, 0)):
        tried.clear()
        again = measure(pixels, method="locoprop-s", kept=kept[done - 1], **SETTINGS)
        pd.testing.assert_frame_equal(again["locoprop_search"], whole)
        assert len(tried) == left


def test_every_method_names_what_is_searched() -> None:
    for entry in METHODS.values():
        assert entry.made_of["searched"] == (list(entry.searched) if entry.searched else None)
