"""What is timed, and what a step costs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.experiments import autoencoder_times
from movingtarget.experiments.autoencoder_times import STUDY, measure
from movingtarget.networks import Parameters
from movingtarget.networks.losses import entropy_floor
from movingtarget.training.autoencoders import plan_of
from movingtarget.training.interface import Batch, Memory, Outcome
from movingtarget.training.loop import Training

Written = Callable[[pd.DataFrame, str], pd.DataFrame]

SETTINGS: dict[str, Any] = {
    "data": "digits",
    "architecture": "small",
    "methods": ("sgd", "locoprop-m"),
    "seeds": [3],
    "training_images": 30,
    "test_images": 10,
    "pooling": 1,
    "hidden_widths": [5, 3],
    "normalisation": "none",
    "batch_size": 10,
    "activation": "tanh",
    "iterations": 2,
    "renewal_steps": 5,
    "repetitions": 3,
    "steps": 4,
}
SEARCH = pd.DataFrame(
    {
        "architecture": "small",
        "method": ["sgd", "locoprop-m"],
        "learning_rate": [0.1, 1e-3],
        "searched_value": [float("nan"), 2.0],
        "place": "best",
    }
)


@pytest.fixture
def pixels() -> Images:
    source = torch.Generator().manual_seed(0)
    inputs = torch.rand(40, 12, generator=source)
    return Images(inputs[:30], torch.zeros(30).long(), inputs[30:], torch.zeros(10).long())


def test_methods_take_turns_and_cost_what_they_do(pixels: Images, written: Written) -> None:
    lines: list[str] = []
    table = measure(pixels, SEARCH, say=lines.append, **SETTINGS)["locoprop_costs"]
    read = written(table, "locoprop_costs")
    assert read["method"].tolist() == ["sgd", "locoprop-m"] * 3
    assert read["seed"].tolist() == [0, 0, 1, 1, 2, 2]
    assert (read["seconds"] > 0).all()
    assert lines == ["repetition 1/3", "repetition 2/3", "repetition 3/3"]
    forward = 2 * 10 * (12 * 5 + 5 * 3 + 3 * 5 + 5 * 12)
    first = 2 * 10 * 12 * 5
    flops = dict(zip(read["method"], read["flops"], strict=True))
    assert flops == {"sgd": 3 * forward - first, "locoprop-m": 5 * forward - first}
    assert dict(zip(read["method"], read["gradient_evaluations"], strict=True)) == {
        "sgd": 1,
        "locoprop-m": 2,
    }


def test_a_time_is_the_mean_of_the_steps_after_the_first(
    pixels: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step takes 2 seconds; the first of a network, whose memory is empty, 100."""
    now = [0.0]

    def slow(*given: Any) -> Training:
        plan = plan_of(*given)

        def rule(
            network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, rates: Tensor
        ) -> Outcome:
            now[0] += 2.0 if memory else 100.0
            outcome = plan.rule(network, parameters, batch, memory, rates)
            return outcome._replace(memory={**outcome.memory, "begun": True})

        return replace(plan, rule=rule)

    monkeypatch.setattr(autoencoder_times, "plan_of", slow)
    monkeypatch.setattr(autoencoder_times.time, "perf_counter", lambda: now[0])
    table = measure(pixels, SEARCH, **SETTINGS)["locoprop_costs"]
    assert table["seconds"].tolist() == [2.0] * 6


def test_floors_are_the_entropies_of_the_images_used(pixels: Images, written: Written) -> None:
    table = measure(pixels, SEARCH, **SETTINGS)["locoprop_floors"]
    read = written(table, "locoprop_floors").set_index("split")["entropy"]
    whole = pixels.to_reconstruct()
    assert read["train"] == pytest.approx(entropy_floor(whole.train_inputs))
    assert read["test"] == pytest.approx(entropy_floor(whole.test_inputs))


def test_one_network_is_timed_by_every_method_of_the_first_architecture() -> None:
    section = {
        key: SETTINGS[key]
        for key in ("training_images", "test_images", "pooling", "batch_size", "activation")
    }
    architectures = [
        {"name": "small", "hidden_widths": [5, 3], "normalisation": "none", "methods": ["sgd", "locoprop-m"]},
        {"name": "other", "hidden_widths": [4], "normalisation": "none", "methods": ["adam"]},
    ]
    config = {
        "dataset": "digits",
        "autoencoders": {
            **section,
            "iterations": 2,
            "renewal_steps": 5,
            "seeds": [3, 4],
            "architectures": architectures,
        },
        "autoencoder_times": {"repetitions": 3, "steps": 4},
    }
    [job] = STUDY.jobs(config)
    assert job.settings == SETTINGS
    assert job.methods == ("sgd", "locoprop-m")


@pytest.mark.parametrize(("steps", "expected"), [(10, []), (5, []), (7, ["7"]), (3, ["3"])])
def test_timed_steps_hold_their_share_of_renewals(steps: int, expected: list[str]) -> None:
    config = {"autoencoders": {"renewal_steps": 5}, "autoencoder_times": {"steps": steps}}
    assert list(STUDY.problems(config)) == [
        f"autoencoder_times.steps is {number}; allowed: multiples of 5, autoencoders.renewal_steps"
        for number in expected
    ]
