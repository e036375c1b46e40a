"""What is timed, and which times are averaged."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.experiments import update_order_times
from movingtarget.experiments.update_order_times import STEPS, VARIED, measure
from movingtarget.networks import Architecture, Parameters, build_random, unstack
from movingtarget.training.interface import Batch, Cost, Outcome
from movingtarget.training.simultaneous import simultaneous
from movingtarget.update_orders import UPDATE_ORDERS

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SEEDS = [3, 5]
PLAIN = {"regime": "minibatch", "network": "plain", "order": "simultaneous", "examples": 10}
FRESH = PLAIN | {"regime": "fresh", "network": "residual-batch-norm", "order": "fresh", "examples": 8}
SETTINGS: dict[str, Any] = {
    "arms": [PLAIN, FRESH],
    "seeds": SEEDS,
    "hidden_width": 8,
    "depth": 3,
    "activation": "relu",
    "initial_weights": "normal",
    "given": {"iterations": 2, "gamma": 1.0},
    "repetitions": 2,
}


def images() -> Images:
    source = torch.Generator().manual_seed(0)
    inputs, labels = torch.randn(80, 6, generator=source), torch.arange(80) % 2
    return Images(inputs, labels, inputs, labels)


def measured(**changes: Any) -> pd.DataFrame:
    return measure(images(), **SETTINGS | changes)["update_order_times"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the rules of a measurement are called with; they then take a step."""
    seen: list[dict[str, Any]] = []

    def rule_of(order: str, given: Mapping[str, Any]) -> Any:
        def rule(
            network: nn.Module,
            parameters: Parameters,
            batch: Batch,
            memory: Parameters,
            learning_rates: Tensor,
        ) -> Outcome:
            copies = {name: value.clone() for name, value in parameters.items()}
            done = int(memory.get("step", 0))
            seen.append({"order": order, "parameters": copies, "batch": batch, "done": done, "given": given})
            outcome = simultaneous(network, parameters, batch, memory, learning_rates)
            return outcome._replace(memory={"step": torch.tensor(done + 1)})

        return rule

    monkeypatch.setattr(update_order_times, "rule_of", rule_of)
    return seen


def test_every_order_has_a_time(written: Written) -> None:
    orders = [name for name, order in UPDATE_ORDERS.items() if "steps" not in order.given]
    lines: list[str] = []
    table = measured(arms=[PLAIN | {"order": order} for order in orders], say=lines.append)
    read = written(table, "update_order_times")
    assert len(read) == len(orders) * 2
    assert set(read["order"]) == set(orders)
    assert set(read["seed"]) == {0, 1}
    assert (read["seconds"] > 0).all()
    assert lines == ["repetition 1/2", "repetition 2/2"]


def test_arms_take_turns_along_their_courses(calls: list[dict[str, Any]]) -> None:
    table = measured()
    assert [call["order"] for call in calls[:: 1 + STEPS]] == ["simultaneous", "fresh"] * 2
    assert [call["done"] for call in calls] == [*range(1 + STEPS)] * 4
    assert table["regime"].tolist() == ["minibatch", "fresh"] * 2
    assert table["seed"].tolist() == [0, 0, 1, 1]
    assert calls[0]["given"] == SETTINGS["given"]


def test_the_whole_stack_takes_every_step_from_its_initial_weights(calls: list[dict[str, Any]]) -> None:
    measured()
    for call in calls:
        if call["order"] == "simultaneous":
            for place, seed in enumerate(SEEDS):
                alone = build_random(Architecture("plain", 6, 8, 3, 2, "relu", "normal"), seed)
                for name, value in unstack(call["parameters"], place).items():
                    assert torch.equal(value, alone.get_parameter(name))


def test_a_minibatch_is_each_seeds_own_and_a_layers_own_in_fresh_sweeps(calls: list[dict[str, Any]]) -> None:
    measured()
    sizes = {call["order"]: call["batch"].labels.shape for call in calls}
    assert sizes == {"simultaneous": (2, 10), "fresh": (2, 32)}
    inputs = calls[0]["batch"].inputs
    assert not torch.equal(inputs[0], inputs[1])
    known = {tuple(image) for image in images().train_inputs.tolist()}
    assert {tuple(image) for image in inputs.flatten(0, 1).tolist()} <= known


def napping(naps: list[float], flops: list[float]) -> Any:
    """A rule that takes these times and reports these costs, over and over."""
    done: list[int] = []

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
    ) -> Outcome:
        place = len(done)
        done.append(place)
        time.sleep(naps[place % len(naps)])
        return Outcome(parameters, memory, Cost(1.0, flops[place % len(flops)]), learning_rates)

    return rule, done


def test_a_time_is_the_mean_without_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, done = napping([0.4, 0.0, 0.0, 0.0, 0.08], [1.0])
    monkeypatch.setattr(update_order_times, "rule_of", lambda *arguments: rule)
    table = measured(arms=[PLAIN], repetitions=1)
    assert len(done) == 1 + STEPS
    assert 0.02 <= table["seconds"].item() < 0.06


def test_more_steps_are_timed_where_some_cost_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of steps of which every ninth takes 36 ms the mean is 4 ms, though the first five show none."""
    rule, done = napping([0.0] * 8 + [0.036], [1.0, 2.0])
    monkeypatch.setattr(update_order_times, "rule_of", lambda *arguments: rule)
    table = measured(arms=[PLAIN], repetitions=1)
    assert len(done) == 1 + VARIED
    assert 0.004 <= table["seconds"].item() < 0.012


def test_a_minibatch_larger_than_the_training_data_is_refused() -> None:
    with pytest.raises(ValueError, match=r"batch size 84 is larger than the training data \(80 examples\)"):
        measured(arms=[FRESH | {"examples": 21}])


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="order 'sideways' is unknown"):
        measured(arms=[PLAIN | {"order": "sideways"}])
