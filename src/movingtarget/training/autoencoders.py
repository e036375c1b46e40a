"""How an autoencoder is trained by one of the methods: the plan of the training loop, and its networks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch.nn.functional as F
from torch import nn

from movingtarget.data.load import Images
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.stack import stack
from movingtarget.training.interface import Batch
from movingtarget.training.loop import State, Training, as_data, from_data, start, train
from movingtarget.training.minibatches import batches
from movingtarget.training.schedule import rise_and_fall
from movingtarget.training.trials import Trial, rule_of_method

RISE = 0.05
"""The share of a training in which rates rise: 5 of 100 epochs in Amid, Anil & Warmuth 2022."""


def some_images(images: Images, training_images: int, test_images: int, pooling: int) -> Images:
    """The first images of a data set, to be reconstructed, in squares of some pixels averaged.

    Args:
        images: of a data set.
        training_images: how many.
        test_images: how many.
        pooling: pixels along each side of a square; 1 leaves images as they are.

    Raises:
        ValueError: images are not square, or their sides no multiple of that.
    """
    train, test = images.train_inputs[:training_images], images.test_inputs[:test_images]
    few = images._replace(train_inputs=train, test_inputs=test).to_reconstruct()
    if pooling == 1:
        return few
    side = images.side
    if side % pooling:
        raise ValueError(f"pooling is {pooling}; allowed: divisors of {side}, the side of an image")
    squares = (inputs.view(-1, 1, side, side) for inputs in (few.train_inputs, few.test_inputs))
    train, test = (F.avg_pool2d(inputs, pooling).flatten(1) for inputs in squares)
    return Images(train, train, test, test)


def plan_of(
    images: Images,
    method: str,
    trials: Sequence[Trial],
    seeds: Sequence[int],
    epochs: int,
    settings: Mapping[str, Any],
) -> Training:
    """A training of some seeds at the rates of trials that share their other value, evaluated at its end.

    Rates rise from zero in the first twentieth of the steps and fall to nearly zero in the others.

    Args:
        images: to be reconstructed.
        method: a key of `METHODS`.
        trials: their rates are trained side by side.
        seeds: each with its own initial weights and order of images.
        epochs: of the whole training.
        settings: `batch_size`, those of `network_of`, and what methods are given.
    """
    steps = epochs * (len(images.train_labels) // settings["batch_size"])
    return Training(
        network=network_of(images.features, settings),
        rule=rule_of_method(method, trials[0].value, settings),
        images=images,
        seeds=seeds,
        learning_rates=[trial.learning_rate for trial in trials],
        batch_size=settings["batch_size"],
        steps=steps,
        evaluation_steps=[steps],
        evaluation_examples=len(images.train_labels),
        curve_window=steps + 1,  # longer than the training, so that no point is recorded
        schedule=partial(rise_and_fall, length=steps + 1, rise=RISE * steps),
    )


def network_of(pixels: int, settings: Mapping[str, Any]) -> nn.Module:
    """The autoencoder of `hidden_widths`, `activation` and `normalisation`."""
    return autoencoder(pixels, settings["hidden_widths"], settings["activation"], settings["normalisation"])


def start_of(plan: Training, settings: Mapping[str, Any]) -> State:
    """The state before the first step: weights and biases of every seed as Glorot draws them."""
    drawn = {seed: initialise_glorot(network_of(plan.images.features, settings), seed) for seed in plan.seeds}
    return start(stack(drawn[seed].to(plan.images.device) for _, seed in plan.members))


def losses_in_turn(
    settings: Mapping[str, Any],
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
) -> Callable[[Training], list[float]]:
    """A function that trains one plan after the other, to the training loss of each seed at the end.

    It is infinite where training has diverged. What an interrupted job had trained is not trained again: the
    same plans have to be asked for in the same order.

    Args:
        settings: of `network_of`.
        kept: what an interrupted job kept last.
        keep: called with what to go on from, after every epoch; save it at once, as of `train`.
    """
    done = kept or {"losses": [], "begun": None}
    losses: list[list[float]] = [*done["losses"]]
    known, begun = iter([*losses]), done["begun"]

    def losses_of(plan: Training) -> list[float]:
        nonlocal begun
        if (earlier := next(known, None)) is not None:
            return earlier
        state = from_data(begun) if begun else start_of(plan, settings)
        begun = None
        plan = replace(plan, splits=["train"])
        state = train(plan, state, lambda reached: keep({"losses": [*losses], "begun": as_data(reached)}))
        rows = pd.DataFrame(state.rows)
        at_end = rows[rows["quantity"] == "train_loss"]
        losses.append(at_end["value"].fillna(np.inf).tolist())
        keep({"losses": [*losses], "begun": None})
        return losses[-1]

    return losses_of


def batch_of(plan: Training, epoch: int) -> Batch:
    """The first minibatch of an epoch, each seed's own."""
    index = batches(len(plan.images.train_inputs), plan.batch_size, plan.seeds, epoch)[0]
    inputs = plan.images.train_inputs[index]
    return Batch(inputs, inputs)
