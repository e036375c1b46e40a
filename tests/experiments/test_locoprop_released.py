"""The run of LocoProp-M as released: its settings, its epochs, and how it goes on."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import torch
from torch.testing import assert_close

from movingtarget.data.load import Images
from movingtarget.experiments import locoprop_released
from movingtarget.experiments.locoprop_released import STUDY, measure
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.losses import member_losses
from movingtarget.networks.stack import stack
from movingtarget.training.interface import Batch
from movingtarget.training.locoprop import locoprop
from movingtarget.training.loop import State, Training, train

Written = Callable[[pd.DataFrame, str], pd.DataFrame]


def pixels(training_images: int) -> Images:
    source = torch.Generator().manual_seed(0)
    inputs, few = torch.rand(training_images + 10, 12, generator=source), training_images
    return Images(inputs[:few], torch.zeros(few).long(), inputs[few:], torch.zeros(10).long())


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few units, images in a minibatch and epochs to rise in, and steps that can be seen."""
    for name, value in {"HIDDEN_WIDTHS": (5, 3), "BATCH_SIZE": 10, "LEARNING_RATE": 2e-4, "RISE": 2}.items():
        monkeypatch.setattr(locoprop_released, name, value)


def test_network_minibatches_rates_and_rule_are_those_released(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Training] = []

    def untrained(plan: Training, begun: State, *_: Any) -> State:
        plans.append(plan)
        return train(replace(plan, steps=0), begun)

    monkeypatch.setattr(locoprop_released, "train", untrained)
    measure(pixels(2500), epochs=7, seed=3)
    [plan] = plans
    assert str(plan.network) == str(autoencoder(12, [1000, 500, 250, 30]))
    assert (plan.batch_size, plan.steps, plan.evaluation_examples) == (1000, 14, 2500)
    assert plan.members == [(1e-5, 3)]
    by_epoch = [0, 0.2, 0.4, 0.6, 0.8, 94 / 95, 93 / 95]
    assert [plan.schedule(step) for step in range(14)] == pytest.approx(
        [factor for factor in by_epoch for _ in range(2)]
    )
    small, images = initialise_glorot(autoencoder(12, [4]), 0), torch.rand(1, 8, 12)
    found, expected = (
        rule(small, stack([small]), Batch(images, images), {}, torch.ones(1)).parameters
        for rule in (plan.rule, locoprop(10, 10.0))
    )
    assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.usefixtures("_small")
def test_it_is_looked_at_before_training_and_after_every_epoch(written: Written) -> None:
    made = measure(pixels(35), epochs=4, seed=3)
    assert set(made) == set(STUDY.tables)
    table = written(made["locoprop_released"], "locoprop_released")
    assert table["epoch"].tolist() == [0, 1, 2, 3, 4]
    assert table["step"].tolist() == [0, 3, 6, 9, 12]
    assert table["gradient_evaluations"].tolist() == [0, 30, 60, 90, 120]
    assert set(table["seed"]) == {3}
    assert set(table["architecture"]) == {"12-5-3"}
    images = pixels(35).to_reconstruct().train_inputs
    logits = initialise_glorot(autoencoder(12, [5, 3]), 3)(images).detach()
    losses = table["train_loss"].tolist()
    assert losses[0] == pytest.approx(member_losses(logits[None], images[None]).item(), rel=1e-6)
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)  # nothing moves in the first epoch
    assert losses[-1] < losses[2] < losses[1] - 0.001


@pytest.mark.usefixtures("_small")
def test_an_interrupted_run_goes_on_with_the_same_numbers() -> None:
    kept: list[dict[str, Any]] = []
    whole = measure(pixels(35), epochs=4, seed=3, keep=lambda data: kept.append(copy.deepcopy(data)))
    assert [data["epoch"] for data in kept] == [1, 2, 3, 4]
    for data in kept:
        lines: list[str] = []
        again = measure(pixels(35), epochs=4, seed=3, kept=data, say=lines.append)
        assert len(lines) == 4 - data["epoch"]
        pd.testing.assert_frame_equal(
            again["locoprop_released"], whole["locoprop_released"], check_exact=True
        )


def test_a_single_job_of_images_of_its_own() -> None:
    [job] = STUDY.jobs({"dataset": "digits", "locoprop_released": {"epochs": 7, "seed": 3}})
    assert job.settings == {"epochs": 7, "seed": 3}
    assert (STUDY.dataset, STUDY.apart) == ("mnist", True)
