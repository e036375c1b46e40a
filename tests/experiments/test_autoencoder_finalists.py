"""The long trainings of every method's search."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pytest
from autoencoder_cases import CONFIG, GIVEN, OTHER, SMALL, pixels

from movingtarget.experiments import autoencoder_trials
from movingtarget.experiments.autoencoder_finalists import STUDY, measure
from movingtarget.training.autoencoders import losses_in_turn, plan_of, some_images
from movingtarget.training.trials import trials_of

Written = Callable[[pd.DataFrame, str], pd.DataFrame]

SETTINGS: dict[str, Any] = {**GIVEN, **SMALL, "data": "digits", "epochs": 7}


def tried(losses: list[list[float]], method: str = "sgd") -> pd.DataFrame:
    """Table locoprop_trials: these losses of the small architecture, and lower ones of another."""
    columns = [*autoencoder_trials.STUDY.tables["locoprop_trials"]]
    rows = [
        ("digits", architecture, method, number, seed, loss * factor)
        for architecture, factor in (("other", -1.0), ("small", 1.0))
        for number, of_trial in enumerate(losses)
        for seed, loss in zip((8, 9), of_trial, strict=True)
    ]
    return pd.DataFrame(rows, columns=columns)


def test_a_job_for_each_group_of_finalists() -> None:
    jobs = {job.name: job for job in STUDY.jobs(CONFIG)}
    assert [*jobs] == [
        *("small-sgd-0", "small-sgd-2", "small-adam-0", "small-adam-2"),
        *("other-locoprop-m-0", "other-locoprop-m-2", "other-k-fac-0", "other-k-fac-2"),
    ]
    assert jobs["small-sgd-0"].settings == SETTINGS | {"method": "sgd", "ranks": [0, 1]}
    assert jobs["small-sgd-2"].settings == SETTINGS | {"method": "sgd", "ranks": [2]}
    assert jobs["small-sgd-0"].methods == ("sgd",)
    of_other = SETTINGS | OTHER | {"ranks": [2]}
    assert jobs["other-locoprop-m-2"].settings == of_other | {"method": "locoprop-m", "iterations": 2}
    assert jobs["other-k-fac-2"].settings == of_other | {"method": "k-fac", "renewal_steps": 5}


@pytest.mark.parametrize(
    ("losses", "ranked"),
    [
        ([[2.0, 4.0], [1.0, np.inf], [3.5, 2.0], [9.0, 9.0]], [2, 0, 3, 1]),
        ([[2.0, 2.0], [1.0, 1.0], [2.0, 2.0], [2.0, 2.0]], [1, 0, 2, 3]),
        ([[np.inf, np.inf]] * 4, [0, 1, 2, 3]),
    ],
)
def test_finalists_are_those_of_the_lowest_mean(
    losses: list[list[float]], ranked: list[int], written: Written
) -> None:
    trials = written(tried(losses), "locoprop_trials")
    for ranks in ([0], [1, 2], [3]):
        made = measure(pixels(), trials, method="sgd", ranks=ranks, **SETTINGS)
        table = written(made["locoprop_finalists"], "locoprop_finalists")
        assert table["trial"].tolist() == [ranked[rank] for rank in ranks for _ in (8, 9)]
        assert table["seed"].tolist() == [8, 9] * len(ranks)


def test_finalists_are_trained_as_long_as_the_longest_that_is_tested() -> None:
    lines: list[str] = []
    trials = tried([[2.0, 4.0], [1.0, 1.0], [3.5, 2.0], [9.0, 9.0]])
    made = measure(pixels(), trials, method="sgd", ranks=[0, 1], say=lines.append, **SETTINGS)
    few = some_images(pixels(), 30, 10, 1)
    expected = [
        losses_in_turn(SETTINGS)(plan_of(few, "sgd", [trials_of("sgd", 4)[number]], [8, 9], 7, SETTINGS))
        for number in (1, 2)
    ]
    assert made["locoprop_finalists"]["full_loss"].tolist() == [*chain(*expected)]
    assert lines == [
        f"trial {number + 1}/4: {np.mean(losses):.1f} nats after 7 epochs"
        for number, losses in zip((1, 2), expected, strict=True)
    ]


def test_an_interrupted_job_goes_on() -> None:
    kept: list[dict[str, Any]] = []
    given: dict[str, Any] = {"method": "sgd", "ranks": [0, 1], **SETTINGS}
    trials = tried([[2.0, 4.0], [1.0, 1.0], [3.5, 2.0], [9.0, 9.0]])
    whole = measure(pixels(), trials, keep=kept.append, **given)["locoprop_finalists"]
    assert [len(state["losses"]) for state in kept] == [0] * 7 + [1] * 8 + [2]
    again = measure(pixels(), trials, kept=kept[-1], **given)["locoprop_finalists"]
    pd.testing.assert_frame_equal(again, whole)
    known = {"losses": [[1.0, 2.0], [3.0, 4.0]], "begun": None}
    told = measure(pixels(), trials, kept=known, **given)["locoprop_finalists"]
    assert told["full_loss"].tolist() == [1.0, 2.0, 3.0, 4.0]
