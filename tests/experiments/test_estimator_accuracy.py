"""Estimators on samples whose information is known."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml

from movingtarget.declarations import studies
from movingtarget.estimators import ESTIMATORS
from movingtarget.experiments.estimator_accuracy import (
    TASKS,
    estimates,
    measure,
    samples,
    taking_part,
    truth,
)
from movingtarget.measures.mutual_information.by_name import estimate, information_through_noise

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
CONFIG: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "config/config.yaml").read_text())


def rows(task: str, estimator: str, examples: int, dimension: int, noise: float, seeds: int) -> pd.DataFrame:
    return estimates(task, [estimator], range(seeds), examples, dimension, noise)


EXACT = [
    *(("gaussian", "gaussian", dimension) for dimension in (1, 5)),
    *(("decaying", "gaussian", dimension) for dimension in (1, 5)),
    *(("cubed", "copula", dimension) for dimension in (1, 5)),
    ("absolute", "nearest-neighbours", 1),
    ("uniform", "nearest-neighbours", 1),
    *(("permuted", name, 3) for name in ("gaussian", "copula", "nearest-neighbours")),
]
"""Estimators that are consistent for a task, and at so few columns all but unbiased."""


@pytest.mark.parametrize("noise", [0.4, 0.9])
@pytest.mark.parametrize(("task", "estimator", "dimension"), EXACT)
def test_samples_hold_the_information_that_the_table_says(
    task: str, estimator: str, dimension: int, noise: float
) -> None:
    """To four deviations: of an estimate about 0.9 sqrt(columns / examples), of six of them 0.4 as much."""
    table = rows(task, estimator, 3000, dimension, noise, seeds=6)
    tolerance = 4 * 0.4 * 0.9 * (dimension / 3000) ** 0.5
    assert table["value"].mean() == pytest.approx(truth(task, dimension, noise), abs=tolerance)
    assert (table["truth"] == truth(task, dimension, noise)).all()


@pytest.mark.parametrize("task", [task for task in TASKS if task != "permuted"])
def test_truths_add_up_over_independent_units_save_where_their_variances_differ(task: str) -> None:
    single, several = (truth(task, dimension, 0.3) for dimension in (1, 6))
    if task == "decaying":
        assert several < 6 * single
    else:
        assert several == pytest.approx(6 * single)
    assert single > 0


@pytest.mark.parametrize("task", ["gaussian", "decaying", "absolute", "permuted"])
@pytest.mark.parametrize("estimator", ["gaussian", "pairwise-upper", "nearest-neighbours"])
def test_layers_are_read_as_those_of_networks_are(task: str, estimator: str) -> None:
    table = rows(task, estimator, 60, 3, 0.3, seeds=2)
    for seed in (0, 1):
        expected = information_through_noise(
            *samples(task, 60, 3, 0.3, seed), estimator=estimator, noise=0.3, seed=seed
        )
        (row,) = table[table["seed"] == seed].to_dict("records")
        assert (row["value"], row["ceiling"], row["saturated"]) == (
            expected.value,
            expected.ceiling,
            expected.saturated,
        )


@pytest.mark.parametrize("task", ["cubed", "uniform"])
def test_samples_with_noise_of_their_own_get_no_other(task: str) -> None:
    expected = estimate("nearest-neighbours", *samples(task, 60, 3, 0.3, 1))
    assert rows(task, "nearest-neighbours", 60, 3, 0.3, seeds=2)["value"].iloc[1] == expected.value


def test_what_each_task_is_made_of() -> None:
    pairs = {task: samples(task, 500, 3, 0.3, 7) for task in TASKS}
    below, above = pairs["gaussian"]
    assert torch.equal(below, above)
    assert torch.equal(pairs["absolute"].above, pairs["absolute"].below.abs())
    shuffled = pairs["permuted"]
    assert torch.equal(shuffled.below.sort(0).values, shuffled.above.sort(0).values)
    assert (shuffled.below != shuffled.above).all(1).float().mean() > 0.9
    assert shuffled.above.tolist()[0] in shuffled.below.tolist()  # whole examples, not units of their own
    noise = pairs["uniform"].above - pairs["uniform"].below
    assert 0.29 < noise.abs().max() <= 0.3
    assert 0 <= pairs["uniform"].below.min() < 0.01
    assert 0.99 < pairs["uniform"].below.max() <= 1
    for side in pairs["cubed"]:
        root = side.sign() * side.abs() ** (1 / 3)
        assert root.std().item() == pytest.approx(math.sqrt(1.09), rel=0.1)
    decaying = pairs["decaying"]
    assert torch.allclose(decaying.below @ decaying.below.T, decaying.above @ decaying.above.T)
    assert not torch.allclose(decaying.below, decaying.above, atol=0.1)


@pytest.mark.parametrize("task", TASKS)
def test_a_seed_draws_the_same_samples_again_and_another_seed_others(task: str) -> None:
    first, again, other = (samples(task, 20, 2, 0.3, seed)[1] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.isclose(first, other).any()


def test_table_has_a_row_for_each_task_dimension_noise_seed_and_estimator(written: Written) -> None:
    said: list[str] = []
    table = measure([4, 7], 30, [1, 2], [0.3, 1.0], said.append)["estimator_accuracy"]
    of_task = written(table, "estimator_accuracy").groupby("task").size()
    assert of_task.to_dict() == {task: 2 * 2 * 2 * len(taking_part(task)) for task in TASKS}
    assert len(said) == len(set(said)) == 2 * 2 * len(TASKS)
    related = table[table["task"] != "permuted"]
    pd.testing.assert_series_equal(
        related["relative"], related["value"] / related["truth"], check_names=False
    )


def test_of_nothing_there_is_no_share(written: Written) -> None:
    table = rows("permuted", "gaussian", 30, 2, 0.3, seeds=2)
    assert written(table, "estimator_accuracy")["relative"].isna().all()
    assert (table["truth"] == 0).all()


def test_what_the_examples_decide_is_marked() -> None:
    """Of far more columns than bins can fill; one column of each fills them."""
    assert rows("permuted", "binned", 200, 10, 0.3, seeds=1)["saturated"].tolist() == [1]
    assert rows("permuted", "binned", 200, 1, 0.3, seeds=1)["saturated"].tolist() == [0]


def test_estimators_that_must_be_told_the_noise_are_left_out_where_they_cannot_be() -> None:
    everything = {name for name, entry in ESTIMATORS.items() if entry.in_nats}
    told = {"pairwise-lower", "pairwise-upper"}
    for task in TASKS:
        assert set(taking_part(task)) == (everything - told if task in ("cubed", "uniform") else everything)
    (job,) = studies()["estimator_accuracy"].jobs(CONFIG)
    assert set(job.estimators) == everything


@pytest.mark.parametrize(("examples", "refused"), [(96, True), (97, False)])
def test_no_more_columns_than_examples(examples: int, refused: bool) -> None:
    config = copy.deepcopy(CONFIG)
    config["estimator_accuracy"] |= {"examples": examples, "dimensions": [1, 48, 4]}
    problems = [*studies()["estimator_accuracy"].problems(config)]
    assert len(problems) == refused
    assert all("examples is 96; allowed: more than 96" in problem for problem in problems)
