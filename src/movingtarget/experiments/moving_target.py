"""Experiment: how far the target moves for each layer, by the movement of the others, at matched promises."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.measures.moving_target import (
    covariate_shift,
    drops,
    gradients,
    input_drift,
    promising_rate,
)
from movingtarget.measures.second_order import Prices, prices
from movingtarget.networks import Architecture, Parameters, build_random, call
from movingtarget.networks.initialise import Weights
from movingtarget.networks.losses import member_losses
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    POSITIVES,
    SEARCH,
    STEPS,
    TUNED,
    names_of,
    of_test_images,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, OPTIONAL
from movingtarget.training.interface import Batch
from movingtarget.training.loop import Training
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import descend, simultaneous
from movingtarget.training.tuned import train_tuned
from movingtarget.training.tuning import search_rows
from movingtarget.work import Data, Work

QUANTITIES = (
    "loss",
    "learning_rate",
    "promise",
    "joint_share",
    "single_share",
    "interaction",
    "foretold_joint_share",
    "foretold_single_share",
    "foretold_interaction",
    "shift",
    "shift_cosine",
    "fresh_shift",
    "fresh_shift_cosine",
    "input_drift",
)


def jobs(config: Config) -> list[Job]:
    """One for each family at each depth."""
    settings = dict(config["moving_target"])
    networks, depths = settings.pop("networks"), settings.pop("depths")
    return [
        Job(f"{network}-{depth}", {"network": network, "depth": depth, **settings}, (network,))
        for network in networks
        for depth in depths
    ]


def problems(config: Config) -> Iterator[str]:
    """Rates are chosen on other seeds than those tested, and by a training of at least one step."""
    yield from problems_of_seeds("moving_target")(config)
    if max(steps := config["moving_target"]["steps"]) < 1:
        yield f"moving_target.steps is {steps}; allowed: one at least above 0, at which the search ends"


ARM: dict[str, Any] = {"network": names_of(FAMILY), "depth": int}


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """The search and training; at each step measured, the passes that move every layer alone."""
    network = work.perceptron(
        settings["network"], data.pixels, settings["hidden_width"], settings["depth"], data.classes
    )
    size, seeds = settings["batch_size"], len(settings["seeds"])
    trained = work.tuned(
        settings,
        max(settings["steps"]),
        partial(work.step, network, examples=size),
        0,
        work.scored(network, settings["evaluation_examples"], splits=1),
    )
    moved = 2 * (len(settings["promises"]) + 2) * work.sweep(network, seeds, size)
    return trained + len(settings["steps"]) * moved


STUDY = Study(
    rule="measure_moving_target",
    settings={
        **TUNED,
        "promises": POSITIVES,
        "steps": STEPS,
        "hidden_width": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "evaluation_examples": {**of_training_images(2), **of_test_images(2)},
        "depths": COUNTS,
        "networks": several(FAMILY),
    },
    tables={
        "moving_target": {
            **ARM,
            "step": int,
            "rate": ("matched", "best"),
            "promise": OPTIONAL,
            "seed": int,
            "layer": int,
            "quantity": QUANTITIES,
            "value": MEASURED,
        },
        "moving_target_search": {**ARM, **SEARCH},
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    problems=problems,
    work=counted,
)

Quantities = list[tuple[str, Tensor]]
"""Names and values: of the whole network, `(members,)`, or of its layers, `(layers, members)`."""


def measure(
    images: Images,
    network: str,
    depth: int,
    seeds: Sequence[int],
    tuning_seeds: Sequence[int],
    learning_rates: Sequence[float],
    promises: Sequence[float],
    steps: Sequence[int],
    hidden_width: int,
    batch_size: int,
    evaluation_examples: int,
    activation: str,
    initial_weights: Weights,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Rows of both tables of one family at one depth.

    The best rate is searched for on seeds of its own; at it the tested seeds are trained by gradient descent,
    each on minibatches of its own. At each of `steps`
    everything is measured of a step on the next minibatch, at the rate that promises a share of the loss, for
    each of `promises`, and at the best rate, which is the one that training takes. Layer 0 is the whole
    network; its cosines are means over the layers from the second on. NaN stands for values that are not
    finite, for all of a diverged member, and for a promise that no finite rate makes.

    Args:
        images: the training images.
        network: the family.
        depth: hidden layers.
        seeds: of the weights and of the order of examples.
        tuning_seeds: others, for the search.
        learning_rates: from which the search starts.
        promises: F / L of the steps measured.
        steps: done before the step that is measured; 0 is at initialisation. The last ends the search.
        hidden_width: units of a hidden layer.
        batch_size: examples in a minibatch.
        activation: of the families that have none of their own.
        evaluation_examples: training images on which the search takes its losses.
        initial_weights: "normal" or "orthogonal".
        say: told of progress.

    Raises:
        ValueError: the minibatch is larger than the training data, or a promise is not above 0.
    """
    if not 0 < batch_size <= (most := len(images.train_labels)):
        raise ValueError(f"batch_size is {batch_size}; allowed: 1 to {most}, the training images")
    architecture = Architecture(
        network, images.features, hidden_width, depth, images.classes, activation, initial_weights
    )
    training = Training(
        network=build_random(architecture, seeds[0]),
        rule=simultaneous,
        images=images,
        seeds=seeds,
        learning_rates=learning_rates,
        batch_size=batch_size,
        steps=max(steps),
        evaluation_steps=[],
        evaluation_examples=evaluation_examples,
        curve_window=max(steps) + 1,
        snapshot_steps=steps,
    )
    tuned = train_tuned(training, partial(build_random, architecture), tuning_seeds, say=say)
    rows = []
    for step in steps:
        say(f"{network}, depth {depth}, measuring at step {step}")
        rows += _at(step, training, tuned.snapshots[step], tuned.search.best, promises)
    arm: dict[str, Any] = {"network": network, "depth": depth}
    return {
        "moving_target": pd.DataFrame(rows).assign(**arm),
        "moving_target_search": search_rows(tuned.search, tuning_seeds, **arm),
    }


class Moment(NamedTuple):
    """A stack in the course of training.

    Attributes:
        network: of every member.
        parameters: of the stack, not to be changed.
        batch: on which training takes its next step.
        fresh: the minibatch after that.
        loss: of each member on the batch, before the step.
        slope: its gradient.
        foretold: the prices, to second order, of a step at rate 1.
    """

    network: nn.Module
    parameters: Parameters
    batch: Batch
    fresh: Batch
    loss: Tensor
    slope: Parameters
    foretold: Prices


def _at(
    step: int, training: Training, parameters: Parameters, best: float, promises: Sequence[float]
) -> list[dict[str, Any]]:
    """The rows of one step; the shift on a fresh minibatch at the middle promise only, for it takes long."""
    moment = _moment(training, parameters, step)
    middle = sorted(promises)[(len(promises) - 1) // 2]
    rows = []
    for promise in promises:
        rates = promising_rate(moment.loss, moment.slope, promise, stacked=True)
        found = _measured(moment, rates, fresh=promise == middle)
        rows += _rows(found, training.seeds, moment.loss, step=step, rate="matched", promise=promise)
    found = _measured(moment, torch.full_like(moment.loss, best), fresh=False)
    return rows + _rows(found, training.seeds, moment.loss, step=step, rate="best", promise=float("nan"))


def _moment(training: Training, parameters: Parameters, step: int) -> Moment:
    network = training.network.train()
    batch, fresh = (_minibatch(training, later) for later in (step, step + 1))
    loss = member_losses(call(network, parameters, batch.inputs), batch.labels)
    slope = gradients(network, parameters, *batch, stacked=True)
    after = _moved(parameters, slope, torch.ones_like(loss))
    foretold = prices(network, parameters, after, *batch, stacked=True)
    return Moment(network, parameters, batch, fresh, loss, slope, foretold)


def _minibatch(training: Training, step: int) -> Batch:
    """The minibatch of the step that follows so many, each seed's own."""
    images, (epoch, place) = training.images, divmod(step, training.steps_per_epoch)
    index = batches(len(images.train_labels), training.batch_size, training.seeds, epoch)[place]
    return Batch(images.train_inputs[index], images.train_labels[index])


def _measured(moment: Moment, rates: Tensor, fresh: bool) -> Quantities:
    """All that is measured of one step of all members; the shift on a fresh minibatch if wanted."""
    network, before, batch = moment.network, moment.parameters, moment.batch
    after = _moved(before, moment.slope, rates)
    exact = drops(network, _double(before), _double(after), batch.inputs.double(), batch.labels, stacked=True)
    promised, single = exact.first_order, exact.single.sum(0)
    of_rate_one = moment.foretold.own.sum(0), moment.foretold.others
    own, others = (rates.double() ** 2 * price / promised for price in of_rate_one)
    quantities = [
        ("loss", exact.loss),
        ("learning_rate", rates),
        ("promise", promised / exact.loss),
        ("joint_share", exact.joint / promised),
        ("single_share", single / promised),
        ("interaction", (single - exact.joint) / promised),
        ("foretold_joint_share", 1 - own - others),
        ("foretold_single_share", 1 - own),
        ("foretold_interaction", others),
        ("input_drift", input_drift(network, before, after, batch.inputs, stacked=True)),
    ]
    shown = {"": batch, "fresh_": moment.fresh} if fresh else {"": batch}
    for name, examples in shown.items():
        shift = covariate_shift(network, before, after, *examples, stacked=True)
        quantities += [
            (f"{name}shift", shift.relative),
            (f"{name}shift_cosine", shift.cosine),
            (f"{name}shift_cosine", shift.cosine[1:].mean(0)),
        ]
    return quantities


def _rows(quantities: Quantities, seeds: Sequence[int], loss: Tensor, **columns: Any) -> list[dict[str, Any]]:
    """One row for each quantity, layer and member; layer 0 is the whole network."""
    return [
        {**columns, "seed": seed, "layer": layer, "quantity": quantity, "value": value}
        for quantity, values in quantities
        for layer, row in (enumerate(values, 1) if values.dim() == 2 else [(0, values)])
        for seed, value in zip(seeds, _finite(row, loss).tolist(), strict=True)
    ]


def _finite(values: Tensor, loss: Tensor) -> Tensor:
    """NaN in the place of values that are not finite, and of all of a member whose loss is not."""
    return values.where(values.isfinite() & loss.isfinite(), torch.nan)


def _moved(parameters: Parameters, slope: Parameters, rates: Tensor) -> Parameters:
    """The parameters after a step of gradient descent."""
    moved = _copy(parameters)
    descend(moved, slope, rates)
    return moved


def _copy(parameters: Parameters) -> Parameters:
    return {name: value.clone() for name, value in parameters.items()}


def _double(parameters: Parameters) -> Parameters:
    """Losses whose difference is small need it."""
    return {name: value.double() for name, value in parameters.items()}
