"""What is timed, and which times are averaged."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest
import torch

from movingtarget.data.load import Images
from movingtarget.experiments import update_order_times
from movingtarget.experiments.update_order_times import MOMENTS, measure
from movingtarget.networks import Architecture, build_random, unstack
from movingtarget.training.interface import Outcome
from movingtarget.training.simultaneous import simultaneous

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SEEDS, RATES = [3, 5], [0.1, 0.3, 1.0]
SETTINGS: dict[str, Any] = {
    "seeds": SEEDS,
    "learning_rates": RATES,
    "hidden_width": 8,
    "depth": 3,
    "activation": "relu",
    "initial_weights": "normal",
    "batch_size": 10,
    "steps": 100,
    "networks": ["plain", "residual-batch-norm"],
    "orders": ["simultaneous", "fresh"],
    "locoprop": {"iterations": 2, "gamma": 1.0},
    "repetitions": 2,
}
ORDERS = [
    *("simultaneous", "stale", "forward", "backward", "random", "fresh", "round-robin", "locoprop-m"),
    *("locoprop-s", "smaller-early", "smaller-late", "lars", "freeze", "greedy"),
]


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
        def rule(network, parameters, batch, memory, learning_rates) -> Outcome:
            copies = {name: value.clone() for name, value in parameters.items()}
            seen.append(
                {"order": order, "parameters": copies, "batch": batch, "rates": learning_rates}
                | {"network": type(network).__name__, "done": int(memory["step"]), "steps": given["steps"]}
            )
            return simultaneous(network, parameters, batch, memory, learning_rates)

        return rule

    monkeypatch.setattr(update_order_times, "rule_of", rule_of)
    return seen


def test_every_order_has_a_time_on_every_network(written: Written) -> None:
    networks = ["plain", "batch-norm", "residual", "residual-batch-norm"]
    lines: list[str] = []
    read = written(measured(networks=networks, orders=ORDERS, say=lines.append), "update_order_times")
    assert len(read) == 4 * 14 * 2
    assert set(read["order"]) == set(ORDERS)
    assert set(read["network"]) == set(networks)
    assert set(read["seed"]) == {0, 1}
    assert (read["seconds"] > 0).all()
    assert lines == ["repetition 1/2", "repetition 2/2"]


def test_networks_and_orders_take_turns(calls: list[dict[str, Any]]) -> None:
    measured()
    turns = [(call["network"], call["order"]) for call in calls[:: 1 + MOMENTS]]
    once = [(network, order) for network in ("Feedforward", "Residual") for order in SETTINGS["orders"]]
    assert turns == 2 * once


def test_steps_come_from_all_over_the_schedule_and_are_the_same_for_all(calls: list[dict[str, Any]]) -> None:
    measured()
    assert {call["steps"] for call in calls} == {100}
    turns = [
        [call["done"] for call in calls[start : start + 1 + MOMENTS]]
        for start in range(0, len(calls), 1 + MOMENTS)
    ]
    for warm_up, *timed in turns:
        assert warm_up == timed[0]
        assert [done * MOMENTS // 100 for done in timed] == [*range(MOMENTS)]
    assert turns[:4] == 4 * turns[:1]
    assert turns[4:] == 4 * turns[4:5]
    assert turns[0] != turns[4]


def test_the_whole_stack_takes_every_step_from_its_initial_weights(calls: list[dict[str, Any]]) -> None:
    measured()
    plain = [call for call in calls if call["network"] == "Feedforward"]
    for call in plain:
        assert call["rates"].tolist() == pytest.approx([rate for rate in RATES for _ in SEEDS])
        for place, seed in enumerate(SEEDS * len(RATES)):
            alone = build_random(Architecture("plain", 6, 8, 3, 2, "relu", "normal"), seed)
            for name, value in unstack(call["parameters"], place).items():
                assert torch.equal(value, alone.get_parameter(name))


def test_a_minibatch_is_each_seeds_own_and_a_layers_own_in_fresh_sweeps(calls: list[dict[str, Any]]) -> None:
    measured()
    sizes = {call["order"]: call["batch"].labels.shape for call in calls}
    assert sizes == {"simultaneous": (6, 10), "fresh": (6, 40)}
    inputs = calls[0]["batch"].inputs
    assert torch.equal(inputs[:2], inputs[2:4])
    assert torch.equal(inputs[:2], inputs[4:])
    assert not torch.equal(inputs[0], inputs[1])
    known = {tuple(image) for image in images().train_inputs.tolist()}
    assert {tuple(image) for image in inputs.flatten(0, 1).tolist()} <= known


def test_a_time_is_the_mean_without_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    naps = iter([0.4, 0.0, 0.0, 0.0, 0.08])

    def slow(*arguments: Any) -> None:
        time.sleep(next(naps))

    monkeypatch.setattr(update_order_times, "rule_of", lambda *arguments: slow)
    table = measured(networks=["plain"], orders=["simultaneous"], repetitions=1)
    assert 0.02 <= table["seconds"].item() < 0.06


def test_a_minibatch_larger_than_the_training_data_is_refused() -> None:
    with pytest.raises(ValueError, match=r"batch size 84 is larger than the training data \(80 examples\)"):
        measured(batch_size=21)


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="order 'sideways' is unknown"):
        measured(orders=["sideways"])


def test_a_schedule_shorter_than_the_moments_is_timed_too() -> None:
    table = measured(steps=1, orders=["freeze", "greedy"])
    assert isinstance(table, pd.DataFrame)
    assert len(table) == 2 * 2 * 2
