"""Orders trained from scratch at their own rates, greedy training with equal fine-tuning."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from movingtarget.data.load import Images
from movingtarget.experiments.remedies import LONGER, ORDERS, measure, plan_of, problems
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import simultaneous

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SETTINGS: dict[str, Any] = {
    **{"seeds": [0, 1], "tuning_seeds": [100], "learning_rates": [0.1], "hidden_width": 6, "depth": 3},
    **{"initial_weights": "normal", "batch_size": 8, "steps": 5, "pretraining_steps": 6},
    **{"evaluations": 2, "evaluation_examples": 20},
}


def measured(images: Images, orders: list[str], **given: Any) -> dict[str, pd.DataFrame]:
    return measure(images, "plain", "relu", orders, **SETTINGS | given)


def test_every_order_has_rows_of_the_tables_declared(images: Images, written: Written) -> None:
    tables = measured(images, [*ORDERS])
    rows, searched = (written(tables[name], name) for name in ("remedies", "remedies_search"))
    assert set(rows["order"]) == set(searched["order"]) == set(ORDERS)
    assert set(rows["seed"]) == {0, 1}
    assert set(searched["seed"]) == {100}
    last = rows.groupby("order")["step"].max()
    assert last.to_dict() == {order: 11 if order in ("greedy", LONGER) else 5 for order in ORDERS}


def test_the_best_rate_of_the_search_is_trained(images: Images) -> None:
    tables = measured(images, ["simultaneous"])
    losses = tables["remedies_search"].groupby("learning_rate")["train_loss"].mean()
    assert set(tables["remedies"]["learning_rate"]) == {losses.idxmin()}


def test_greedy_training_is_fine_tuned_for_as_many_steps_as_others_train(images: Images) -> None:
    """Torch's own descent: two steps for each of three layers with the output layer, then five of all."""
    plan, draw = plan_of(images, "plain", "relu", "greedy", SETTINGS)
    network: Any = draw(0)
    indices = [index[0] for epoch in (0, 1) for index in batches(60, 8, [0], epoch)]
    table = measured(images, ["greedy"])["remedies"]
    rate = table["learning_rate"].iloc[0]
    for step, index in enumerate(indices[: plan.steps]):
        short, moved = network, [*network.parameters()]
        if step < 6:
            layers = network.hidden[: step // 2 + 1]
            short = torch.nn.Sequential(*layers, network.head)
            moved = [*layers[-1].parameters(), *network.head.parameters()]
        optimiser = torch.optim.SGD(moved, lr=rate)
        network.zero_grad()
        F.cross_entropy(short(images.train_inputs[index]), images.train_labels[index]).backward()
        optimiser.step()
    loss = F.cross_entropy(network(images.train_inputs[:20]), images.train_labels[:20]).item()
    last = table[(table["seed"] == 0) & (table["step"] == 11)]
    assert last["train_loss"].item() == pytest.approx(loss, rel=1e-5)


def test_the_longer_control_is_simultaneous_for_as_many_steps_as_greedy_takes(images: Images) -> None:
    longer, _ = plan_of(images, "plain", "sigmoid", LONGER, SETTINGS)
    greedy, _ = plan_of(images, "plain", "sigmoid", "greedy", SETTINGS)
    assert longer.rule is simultaneous
    assert longer.steps == greedy.steps == 11
    assert isinstance(longer.network.get_submodule("hidden.0.activation"), torch.nn.Sigmoid)


def test_an_interrupted_job_trains_only_what_is_missing(images: Images) -> None:
    kept: dict[str, Any] = {}
    whole = measured(images, ["simultaneous", "freeze"], keep=kept.update)
    said: list[str] = []
    done = {"simultaneous": kept["simultaneous"]}
    resumed = measured(images, ["simultaneous", "freeze"], kept=done, say=said.append)
    assert all(line.startswith("freeze") for line in said)
    for name, table in whole.items():
        pd.testing.assert_frame_equal(resumed[name], table)


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (
            [{"network": "plain", "activation": "relu", "orders": ["greedy"]}],
            "remedies.networks[0].orders has no simultaneous; allowed: with simultaneous, the reference",
        ),
        (
            [{"network": "plain", "activation": "relu", "orders": ["simultaneous"]}] * 2,
            "remedies.networks[1] is plain with relu again; allowed: each network once",
        ),
    ],
)
def test_networks_are_checked_before_a_run(networks: list[dict[str, Any]], message: str) -> None:
    assert [*problems({"remedies": SETTINGS | {"networks": networks}})] == [message]
