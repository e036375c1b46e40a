"""The short trainings of every method's search."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from autoencoder_cases import CONFIG, GIVEN, OTHER, SMALL, pixels

from movingtarget.experiments.autoencoder_trials import STUDY, measure
from movingtarget.training.autoencoders import losses_in_turn, plan_of, some_images
from movingtarget.training.trials import trials_of

Written = Callable[[pd.DataFrame, str], pd.DataFrame]

SETTINGS: dict[str, Any] = {**GIVEN, **SMALL, "data": "digits", "trials": 4, "search_epochs": 2}


def test_a_job_for_each_method_on_each_architecture() -> None:
    jobs = {job.name: job for job in STUDY.jobs(CONFIG)}
    assert [*jobs] == ["small-sgd", "small-adam", "other-locoprop-m", "other-k-fac"]
    assert jobs["small-sgd"].settings == SETTINGS | {"method": "sgd"}
    assert jobs["small-sgd"].methods == ("sgd",)
    assert jobs["other-locoprop-m"].settings == SETTINGS | OTHER | {"method": "locoprop-m", "iterations": 2}
    assert jobs["other-k-fac"].settings == SETTINGS | OTHER | {"method": "k-fac", "renewal_steps": 5}


def test_every_trial_has_the_losses_of_its_training(written: Written) -> None:
    lines: list[str] = []
    given = SETTINGS | {"iterations": 2}
    made = measure(pixels(), method="locoprop-m", say=lines.append, **given)
    table = written(made["locoprop_trials"], "locoprop_trials")
    few = some_images(pixels(), 30, 10, 1)
    expected = [
        losses_in_turn(given)(plan_of(few, "locoprop-m", [trial], [8, 9], 2, given))
        for trial in trials_of("locoprop-m", 4)
    ]
    losses = table.pivot(index="trial", columns="seed", values="train_loss")
    assert losses.columns.tolist() == [8, 9]
    np.testing.assert_array_equal(losses, expected)
    assert (losses < 13).all(axis=None)
    assert len({*losses[8]}) == 4
    assert lines == [
        f"trial {number}/4: {np.mean(loss):.1f} nats after 2 epochs"
        for number, loss in enumerate(expected, 1)
    ]


def test_an_interrupted_job_goes_on() -> None:
    kept: list[dict[str, Any]] = []
    whole = measure(pixels(), method="sgd", keep=kept.append, **SETTINGS)["locoprop_trials"]
    assert [len(state["losses"]) for state in kept] == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    again = measure(pixels(), method="sgd", kept=kept[-1], **SETTINGS)["locoprop_trials"]
    pd.testing.assert_frame_equal(again, whole)
    known = {"losses": [[1.0, 2.0]] * 4, "begun": None}
    told = measure(pixels(), method="sgd", kept=known, **SETTINGS)["locoprop_trials"]
    assert told["train_loss"].tolist() == [1.0, 2.0] * 4
