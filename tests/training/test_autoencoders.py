"""The plan of an autoencoder's training, from settings to objects."""

import io
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from movingtarget.data.load import Images
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.layers import BatchNorm
from movingtarget.training.autoencoders import (
    batch_of,
    losses_in_turn,
    network_of,
    plan_of,
    some_images,
    start_of,
)
from movingtarget.training.loop import train
from movingtarget.training.minibatches import batches
from movingtarget.training.trials import Trial

SETTINGS: dict[str, Any] = {
    "batch_size": 10,
    "hidden_widths": [7, 3],
    "activation": "tanh",
    "normalisation": "none",
    "iterations": 2,
}


@pytest.fixture
def pixels() -> Images:
    """40 training and 20 test images of 12 pixels, standardised."""
    source = torch.Generator().manual_seed(0)
    levels = torch.randint(256, (60, 12), generator=source).float()
    inputs = (levels - 100) / 50
    labels = torch.arange(60) % 3
    return Images(inputs[:40], labels[:40], inputs[40:], labels[40:], mean=100.0, deviation=50.0)


def test_the_first_images_are_reconstructed(pixels: Images) -> None:
    few = some_images(pixels, 30, 5, 1)
    assert torch.equal(few.train_inputs, (pixels.train_inputs[:30] * 50 + 100).round() / 255)
    assert torch.equal(few.train_labels, few.train_inputs)
    assert torch.equal(few.test_labels, few.test_inputs)
    assert len(few.test_inputs) == 5


def test_squares_of_pixels_are_averaged() -> None:
    levels = torch.tensor([[0, 40, 80, 120], [0, 40, 80, 120], [10, 10, 0, 0], [30, 30, 0, 255]]).float()
    inputs, labels = ((levels - 100) / 50).reshape(1, 16), torch.zeros(1).long()
    images = Images(inputs, labels, inputs.flip(1), labels, mean=100.0, deviation=50.0)
    few = some_images(images, 1, 1, 2)
    expected = torch.tensor([[20.0, 100.0, 20.0, 63.75]]) / 255
    assert_close(few.train_inputs, expected)
    assert_close(few.test_inputs, expected.flip(1))
    assert torch.equal(few.train_labels, few.train_inputs)
    assert torch.equal(few.test_labels, few.test_inputs)


def test_sides_that_are_no_multiple_of_a_square_are_refused(pixels: Images) -> None:
    square = pixels._replace(train_inputs=torch.zeros(2, 16), test_inputs=torch.zeros(2, 16))
    with pytest.raises(ValueError, match=r"^pooling is 3; allowed: divisors of 4, the side of an image$"):
        some_images(square, 2, 2, 3)
    with pytest.raises(ValueError, match=r"^images must be square, got 12 pixels$"):
        some_images(pixels, 2, 2, 2)


def test_a_plan_is_what_its_settings_say(pixels: Images) -> None:
    few = some_images(pixels, 40, 20, 1)
    plan = plan_of(few, "sgd", [Trial(0.1, 0.0), Trial(0.3, 0.0)], [4, 5], 3, SETTINGS)
    assert (plan.steps, plan.batch_size, list(plan.evaluation_steps)) == (12, 10, [12])
    assert plan.members == [(0.1, 4), (0.1, 5), (0.3, 4), (0.3, 5)]
    assert plan.evaluation_examples == 40
    factors = [plan.schedule(step) for step in range(12)]
    assert factors[0] == 0
    assert factors[1:] == sorted(factors[1:], reverse=True)
    assert 0 < factors[-1] < 0.1
    assert max(factors) == pytest.approx(1 - 1.4 / 12.4)  # the first step after a rise of 0.6 steps, of 13


def test_the_network_is_what_its_settings_say() -> None:
    assert str(network_of(12, SETTINGS)) == str(autoencoder(12, [7, 3], "tanh"))
    normalised = network_of(12, SETTINGS | {"normalisation": "batch-norm", "activation": "relu"})
    assert sum(isinstance(part, BatchNorm) for part in normalised.modules()) == 2
    assert sum(isinstance(part, torch.nn.ReLU) for part in normalised.modules()) == 2


def test_every_seed_starts_from_its_own_weights_at_all_rates(pixels: Images) -> None:
    plan = plan_of(
        some_images(pixels, 40, 20, 1), "sgd", [Trial(0.1, 0.0), Trial(0.3, 0.0)], [4, 5], 1, SETTINGS
    )
    parameters = start_of(plan, SETTINGS).parameters
    for place, (_, seed) in enumerate(plan.members):
        alone = initialise_glorot(network_of(12, SETTINGS), seed)
        for name, value in alone.named_parameters():
            assert torch.equal(parameters[name][place], value)


def test_a_batch_is_the_first_of_an_epoch(pixels: Images) -> None:
    plan = plan_of(some_images(pixels, 40, 20, 1), "sgd", [Trial(0.1, 0.0)], [4, 5], 1, SETTINGS)
    batch = batch_of(plan, 2)
    expected = plan.images.train_inputs[batches(40, 10, [4, 5], 2)[0]]
    assert torch.equal(batch.inputs, expected)
    assert torch.equal(batch.labels, expected)


@pytest.mark.parametrize("method", ["sgd", "locoprop-m", "locoprop-s"])
@pytest.mark.parametrize("normalisation", ["none", "batch-norm"])
def test_training_lowers_the_loss(pixels: Images, method: str, normalisation: str) -> None:
    settings = SETTINGS | {"normalisation": normalisation}
    few = some_images(pixels, 40, 20, 1)
    rate = 0.01 if method == "sgd" else 1e-4
    plan = plan_of(few, method, [Trial(rate, 1.0)], [4, 5], 10, settings)
    rows = train(replace(plan, evaluation_steps=[0, plan.steps]), start_of(plan, settings)).rows
    losses: dict[int, list[float]] = {0: [], plan.steps: []}
    for row in rows:
        if row["quantity"] == "train_loss":
            losses[row["step"]].append(row["value"])
    assert all(after < before for before, after in zip(*losses.values(), strict=True))


def test_a_training_records_its_end_alone(pixels: Images) -> None:
    plan = plan_of(some_images(pixels, 40, 20, 1), "sgd", [Trial(0.01, 1.0)], [4, 5], 1, SETTINGS)
    rows = train(plan, start_of(plan, SETTINGS)).rows
    assert {row["step"] for row in rows} == {4}
    assert "batch_loss" not in {row["quantity"] for row in rows}


def test_a_diverged_training_counts_as_infinite(pixels: Images) -> None:
    few = some_images(pixels, 30, 10, 1)
    plan = plan_of(few, "sgd", [Trial(1e30, float("nan"))], [8, 9], 2, SETTINGS)
    assert losses_in_turn(SETTINGS)(plan) == [torch.inf, torch.inf]


def test_losses_in_turn_go_on_within_a_training_and_are_those_of_its_end(pixels: Images) -> None:
    few = some_images(pixels, 30, 10, 1)
    plans = [plan_of(few, "adam", [Trial(rate, 0.9)], [8, 9], 3, SETTINGS) for rate in (1e-3, 1e-2)]
    files: list[bytes] = []

    def keep(state: dict[str, Any]) -> None:
        file = io.BytesIO()
        torch.save(state, file)
        files.append(file.getvalue())

    losses_of = losses_in_turn(SETTINGS, None, keep)
    whole = [losses_of(plan) for plan in plans]
    for losses, plan in zip(whole, plans, strict=True):
        rows = train(plan, start_of(plan, SETTINGS)).rows
        ends = [row["value"] for row in rows if row["quantity"] == "train_loss"]
        assert losses == ends
    assert len(files) == 8
    for file in files:
        kept = torch.load(io.BytesIO(file), weights_only=True)
        again = losses_in_turn(SETTINGS, kept)
        assert [again(plan) for plan in plans] == whole
    begun = torch.load(io.BytesIO(files[1]), weights_only=True)
    assert begun["begun"]["epoch"] == 2
    assert begun["losses"] == []
    begun["begun"]["parameters"] = {name: 0 * value for name, value in begun["begun"]["parameters"].items()}
    assert losses_in_turn(SETTINGS, begun)(plans[0]) != whole[0]
