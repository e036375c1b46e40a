"""What first layers are worth: frozen, released, stopped, or moved alone."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from movingtarget.data.load import Images
from movingtarget.experiments.first_layers import measure
from movingtarget.networks import Architecture, build_random
from movingtarget.networks.convolution import convolutional_chain
from movingtarget.networks.initialise import initialise
from movingtarget.statistics.rows import where
from movingtarget.training.minibatches import batches

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SEEDS, STEPS, BATCH, POOL, HELD_OUT = [0, 4], 7, 8, 20, 9
SETTINGS: dict[str, Any] = {
    **{"seeds": SEEDS, "learning_rates": [0.1], "tuning_seeds": [100], "hidden_width": 6, "depth": 2},
    **{"channels": [3, 4, 4], "activation": "relu", "initial_weights": "normal", "training_images": POOL},
    **{"batch_size": BATCH, "steps": STEPS, "evaluation_examples": 15, "held_out": HELD_OUT},
    **{"frozen": [0, 1, 3], "changes": [3, 5], "measured_steps": [0, 3, STEPS]},
}


@pytest.fixture(scope="module")
def squares() -> Images:
    """60 images of 4 x 4 pixels in three classes that overlap a little."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    centres = torch.randn(3, 16, generator=source)
    inputs = centres[labels] + torch.randn(60, 16, generator=source)
    return Images(inputs[:40], labels[:40], inputs[40:], labels[40:])


@pytest.fixture(scope="module")
def tables(squares: Images) -> dict[str, dict[str, pd.DataFrame]]:
    return {network: measure(squares, network, **SETTINGS) for network in ("plain", "convolutional")}


def drawn(network: str, seed: int) -> nn.Module:
    if network == "convolutional":
        return initialise(convolutional_chain(4, [3, 4, 4], 3, "relu"), seed, "relu")
    return build_random(Architecture(network, 16, 6, 2, 3), seed)


def is_first(name: str) -> bool:
    return name.startswith(("hidden.0.", "0."))


def trained(images: Images, network: str, seed: int, rate: float, moving: range, steps: int) -> nn.Module:
    """By a loop of autograd over one member, whose first layer moves in the steps `moving`."""
    member, step = drawn(network, seed), 0
    for epoch in range(4):
        for (index,) in batches(POOL, BATCH, [seed], epoch):
            if step == steps:
                return member
            member.zero_grad()
            F.cross_entropy(member(images.train_inputs[index]), images.train_labels[index]).backward()
            for name, value in member.named_parameters():
                if step in moving or not is_first(name):
                    assert value.grad is not None
                    value.data -= rate * value.grad
            step += 1
    raise AssertionError


@pytest.mark.parametrize("network", ["plain", "convolutional"])
@pytest.mark.parametrize(
    ("schedule", "change", "moving"),
    [
        ("frozen", 0, range(0)),
        ("released", 0, range(STEPS)),
        ("released", 3, range(3, STEPS)),
        ("released", STEPS, range(0)),
        ("stopped", 0, range(0)),
        ("stopped", 5, range(5)),
        ("stopped", STEPS, range(STEPS)),
    ],
)
def test_losses_are_those_of_members_trained_alone(
    squares: Images, tables: dict[str, Any], network: str, schedule: str, change: int, moving: range
) -> None:
    rows = where(tables[network]["first_layers"], schedule=schedule, layers=1, change=change)
    for seed in SEEDS:
        row = where(rows, seed=seed, quantity="test_loss").iloc[0]
        member = trained(squares, network, seed, row["learning_rate"], moving, STEPS)
        loss = F.cross_entropy(member(squares.test_inputs[:15]), squares.test_labels[:15])
        assert row["value"] == pytest.approx(loss.item(), rel=1e-4)


@pytest.mark.parametrize("network", ["plain", "convolutional"])
def test_a_layer_moves_alone_along_the_next_step_of_training(
    squares: Images, tables: dict[str, Any], network: str
) -> None:
    table = where(tables[network]["layer_alone"], step=3, seed=4, layer=1)
    found = table.set_index("quantity")["value"]
    rate = table["learning_rate"].iloc[0]
    before = trained(squares, network, 4, rate, range(STEPS), 3)
    after = trained(squares, network, 4, rate, range(STEPS), 4)
    outputs = before(squares.test_inputs[:HELD_OUT])
    size = 0
    for name, value in before.named_parameters():
        if is_first(name):
            value.data.copy_(after.get_parameter(name))
            size += value.numel()
    change = ((before(squares.test_inputs[:HELD_OUT]) - outputs).norm() / outputs.norm()).item()
    assert found["output_change"] == pytest.approx(change, rel=1e-3)
    assert found["change_per_parameter"] == pytest.approx(change / size, rel=1e-3)
    assert set(table["parameters"]) == {size}
    assert found["kept"] == pytest.approx(found["drop"] / found["promise"])


def test_layers_are_frozen_as_far_as_the_network_has_them(tables: dict[str, Any]) -> None:
    frozen = {name: where(of["first_layers"], schedule="frozen") for name, of in tables.items()}
    assert {name: [*rows["layers"].unique()] for name, rows in frozen.items()} == {
        "plain": [0, 1],
        "convolutional": [0, 1, 3],
    }


def test_rates_are_the_best_of_the_search_each_of_its_own(tables: dict[str, Any]) -> None:
    for of_network in tables.values():
        searched, scores = of_network["first_layers_search"], of_network["first_layers"]
        best = searched[searched["place"] != "tried"].groupby("layers")["learning_rate"].first()
        assert set(searched["seed"]) == {100}
        for layers, rows in where(scores, schedule="frozen").groupby("layers"):
            assert set(rows["learning_rate"]) == {best[layers]}
        assert set(scores.loc[scores["schedule"] != "frozen", "learning_rate"]) == {best[0]}


def test_tables_fit_their_schemas(tables: dict[str, Any], written: Written) -> None:
    for of_network in tables.values():
        for name, table in of_network.items():
            assert len(written(table, name)) == len(table)
