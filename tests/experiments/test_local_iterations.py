"""The number of local steps, each at a rate of its own."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pandas as pd
import pytest
import torch

from movingtarget.data.load import Images
from movingtarget.experiments import local_iterations
from movingtarget.experiments.local_iterations import STUDY, measure
from movingtarget.training import autoencoders
from movingtarget.training.loop import State, Training
from movingtarget.training.trials import Trial

Written = Callable[[pd.DataFrame, str], pd.DataFrame]

SEARCH = pd.DataFrame(
    {
        "architecture": "small",
        "method": "locoprop-m",
        "learning_rate": [0.01],
        "searched_value": [2.0],
        "place": "best",
    }
)
SETTINGS: dict[str, Any] = {
    **{"data": "digits", "architecture": "small", "method": "locoprop-m", "iterations": 3},
    **{
        "seeds": [3, 4],
        "tuning_seeds": [8],
        "search_epochs": 2,
        "training_images": 30,
        "test_images": 10,
        "pooling": 1,
    },
    **{"hidden_widths": [5, 3], "normalisation": "none", "batch_size": 10, "activation": "tanh"},
}


@pytest.fixture
def pixels() -> Images:
    source = torch.Generator().manual_seed(0)
    inputs = torch.rand(40, 12, generator=source)
    return Images(inputs[:30], torch.zeros(30).long(), inputs[30:], torch.zeros(10).long())


def test_a_rate_is_searched_on_some_seeds_and_tested_on_others(
    pixels: Images, monkeypatch: pytest.MonkeyPatch, written: Written
) -> None:
    asked: list[tuple[Trial, tuple[int, ...], int, int]] = []

    def plan_of(
        few: Images, method: str, trials: list[Trial], seeds: Any, epochs: int, settings: dict[str, Any]
    ) -> tuple[float, Any]:
        asked.append((trials[0], tuple(seeds), epochs, settings["iterations"]))
        return trials[0].learning_rate, seeds

    def losses_of(plan: tuple[float, Any]) -> list[float]:
        rate, seeds = plan
        return [abs(torch.tensor(rate / 0.02).log().item()) + seed for seed in seeds]

    monkeypatch.setattr(local_iterations, "plan_of", plan_of)
    monkeypatch.setattr(local_iterations, "losses_in_turn", lambda settings, kept, keep: losses_of)
    made = measure(pixels, SEARCH, **SETTINGS)
    table = written(made["local_iterations"], "local_iterations")
    search = written(made["local_iterations_search"], "local_iterations_search")
    best = search.loc[search["place"] == "best", "learning_rate"].item()
    assert 0.02 / 1.5 < best < 0.02 * 1.5
    assert {trial.value for trial, *_ in asked} == {2.0}
    assert {ask[2:] for ask in asked} == {(2, 3)}
    assert asked[0][0].learning_rate == pytest.approx(0.01 / 3, rel=1e-3)
    assert asked[-1][:2] == (Trial(best, 2.0), (3, 4))
    assert all(seeds == (8,) for _, seeds, *_ in asked[:-1])
    assert table["learning_rate"].tolist() == [best] * 2
    assert (table["train_loss"].diff().iloc[1]) == pytest.approx(1)


def test_an_interrupted_search_goes_on(pixels: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[dict[str, Any]] = []
    whole = measure(pixels, SEARCH, keep=lambda state: kept.append(deepcopy(state)), **SETTINGS)
    trained: list[Training] = []
    original = autoencoders.train

    def counting(plan: Training, *arguments: Any) -> State:
        trained.append(plan)
        return original(plan, *arguments)

    monkeypatch.setattr(autoencoders, "train", counting)
    trainings = len(whole["local_iterations_search"]) + 1
    for place in (0, 4, len(kept) - 1):
        trained.clear()
        again = measure(pixels, SEARCH, kept=kept[place], **SETTINGS)
        for name, table in again.items():
            pd.testing.assert_frame_equal(table, whole[name])
        assert len(trained) == trainings - len(kept[place]["losses"])


def test_the_number_of_iterations_changes_the_loss(pixels: Images) -> None:
    losses = [
        measure(pixels, SEARCH, **SETTINGS | {"iterations": iterations})["local_iterations"]["train_loss"]
        for iterations in (1, 4)
    ]
    assert (losses[0] != losses[1]).all()


def test_a_job_for_each_number_of_iterations() -> None:
    section = {
        key: SETTINGS[key]
        for key in ("seeds", "tuning_seeds", "search_epochs", "training_images", "test_images", "pooling")
    }
    architectures = [
        {"name": "small", "hidden_widths": [5, 3], "normalisation": "none", "methods": ["sgd"]},
        {"name": "other", "hidden_widths": [4], "normalisation": "none", "methods": ["sgd"]},
    ]
    config = {
        "dataset": "digits",
        "autoencoders": {
            **section,
            **{"batch_size": 10, "activation": "tanh", "iterations": 10, "architectures": architectures},
        },
        "local_iterations": {"methods": ["locoprop-m"], "iterations": [1, 3]},
    }
    jobs = {job.name: job for job in STUDY.jobs(config)}
    assert [*jobs] == ["locoprop-m-1", "locoprop-m-3"]
    assert jobs["locoprop-m-3"].settings == SETTINGS
    assert jobs["locoprop-m-3"].methods == ("locoprop-m",)


def test_methods_are_those_that_have_settings() -> None:
    first = {"name": "small", "methods": ["sgd", "locoprop-s"]}
    section = {"methods": ["locoprop-m", "locoprop-s"], "iterations": [1]}
    [problem] = STUDY.problems({"autoencoders": {"architectures": [first]}, "local_iterations": section})
    assert problem == (
        "local_iterations.methods has locoprop-m; allowed: those of the first of "
        "autoencoders.architectures, sgd, locoprop-s"
    )
