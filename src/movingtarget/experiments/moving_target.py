"""Experiment: how far the target moves for each layer, by the movement of the others, at matched promises."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice, pairwise
from typing import Any, NamedTuple

import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.measures.moving_target import (
    covariate_shift,
    drops,
    gradients,
    input_drift,
    promising_rate,
)
from movingtarget.measures.second_order import Prices, prices
from movingtarget.networks import Architecture, Parameters, build_random, stack
from movingtarget.networks.initialise import Weights
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    POSITIVES,
    SEARCH,
    SEEDS,
    STEPS,
    names_of,
    of_training_images,
    several,
)
from movingtarget.study import Config, Job, Study
from movingtarget.tables import MEASURED, OPTIONAL
from movingtarget.training.interface import Batch
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import descend, simultaneous
from movingtarget.training.tuning import search, search_rows

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
    """The tested seeds are none of those that chose the rate, and members are trained for at least one step."""
    settings = config["moving_target"]
    if both := sorted(set(settings["seeds"]) & set(settings["tuning_seeds"])):
        yield (
            f"moving_target.tuning_seeds has {both[0]}; allowed: seeds other than those of moving_target.seeds"
        )
    if max(settings["steps"]) < 1:
        yield "moving_target.steps has no more than 0; allowed: at least one above 0, to choose the rate by"


ARM: dict[str, Any] = {"network": names_of(FAMILY), "depth": int}

STUDY = Study(
    rule="measure_moving_target",
    settings={
        "seeds": SEEDS,
        "tuning_seeds": SEEDS,
        "learning_rates": POSITIVES,
        "promises": POSITIVES,
        "steps": STEPS,
        "hidden_width": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
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
    problems=problems,
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
    activation: str,
    initial_weights: Weights,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Rows of both tables of one family at one depth.

    The best rate is searched for on seeds of its own, by the mean loss of the last tenth of the minibatches.
    At it the tested seeds are trained by gradient descent, each on minibatches of its own. At each of `steps`
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
        steps: done before the step that is measured; 0 is at initialisation. The last is the search's horizon.
        hidden_width: units of a hidden layer.
        batch_size: examples in a minibatch.
        activation: of the families that have none of their own.
        initial_weights: "normal" or "orthogonal".
        say: told of progress, after the search and once for each of `steps`.

    Raises:
        ValueError: the minibatch is larger than the training data, or a promise is not above 0.
    """
    if not 0 < batch_size <= (most := len(images.train_labels)):
        raise ValueError(f"batch_size is {batch_size}; allowed: 1 to {most}, the training images")
    architecture = Architecture(
        network, images.features, hidden_width, depth, images.classes, activation, initial_weights
    )

    def losses_at(rates: list[float]) -> NDArray[Any]:
        """Of the tuning seeds, `(rates, seeds)`."""
        course = islice(_course(images, architecture, batch_size, tuning_seeds, rates), max(steps))
        last = [moment.loss for moment in course][-max(1, max(steps) // 10) :]
        return torch.stack(last).mean(0).view(len(rates), -1).numpy()

    found = search(losses_at, learning_rates)
    say(f"{network}, depth {depth}: best rate {found.best:g}")
    middle = sorted(promises)[(len(promises) - 1) // 2]
    rows = []
    for step, moment in enumerate(
        islice(_course(images, architecture, batch_size, seeds, [found.best]), max(steps) + 1)
    ):
        if step in steps:
            say(f"{network}, depth {depth}, step {step}")
            slope, foretold = _foretold(moment)
            for promise in promises:
                rates = promising_rate(moment.loss, slope, promise)
                measured = _measured(moment, slope, foretold, rates, fresh=promise == middle)
                rows += _rows(measured, seeds, step, moment.loss, rate="matched", promise=promise)
            measured = _measured(
                moment, slope, foretold, torch.full_like(moment.loss, found.best), fresh=False
            )
            rows += _rows(measured, seeds, step, moment.loss, rate="best", promise=float("nan"))
    arm = {"network": network, "depth": depth}
    return {
        "moving_target": pd.DataFrame(rows).assign(**arm),
        "moving_target_search": search_rows(found, tuning_seeds, **arm),
    }


class Moment(NamedTuple):
    """A stack in the course of training.

    Attributes:
        network: of every member.
        parameters: of the stack, not to be changed.
        batch: on which training takes its next step.
        fresh: the minibatch after that.
        loss: of each member on the batch, before the step.
    """

    network: nn.Module
    parameters: Parameters
    batch: Batch
    fresh: Batch
    loss: Tensor


def _course(
    images: Images, architecture: Architecture, batch_size: int, seeds: Sequence[int], rates: Sequence[float]
) -> Iterator[Moment]:
    """Gradient descent without end: all pairs of a rate and a seed, rates outermost, before each step."""
    networks = [build_random(architecture, seed) for seed in seeds]
    parameters = stack(networks * len(rates))
    each = torch.tensor(rates).repeat_interleave(len(seeds))
    for batch, fresh in pairwise(_minibatches(images, batch_size, seeds, len(rates))):
        before = parameters
        parameters, _, _, loss = simultaneous(networks[0], _copy(before), batch, {}, each)
        yield Moment(networks[0], before, batch, fresh, loss)


def _minibatches(images: Images, batch_size: int, seeds: Sequence[int], rates: int) -> Iterator[Batch]:
    """The minibatches of training, without end: each seed's own examples, repeated for each rate."""
    for epoch in count():
        for index in batches(len(images.train_labels), batch_size, seeds, epoch):
            repeated = index.repeat(rates, 1)
            yield Batch(images.train_inputs[repeated], images.train_labels[repeated])


def _foretold(moment: Moment) -> tuple[Parameters, Prices]:
    """The gradient, and the prices that the second order foretells of a step at rate 1."""
    slope = gradients(moment.network, moment.parameters, *moment.batch)
    after = _moved(moment.parameters, slope, torch.ones_like(moment.loss))
    return slope, prices(moment.network, moment.parameters, after, *moment.batch)


def _measured(moment: Moment, slope: Parameters, foretold: Prices, rates: Tensor, fresh: bool) -> Quantities:
    """All that is measured of one step of all members; the shift on a fresh minibatch if wanted."""
    network, before, batch = moment.network, moment.parameters, moment.batch
    after = _moved(before, slope, rates)
    exact = drops(network, _double(before), _double(after), batch.inputs.double(), batch.labels)
    promised, single = exact.first_order, exact.single.sum(0)
    own, others = (rates.double() ** 2 * price / promised for price in (foretold.own.sum(0), foretold.others))
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
        ("input_drift", input_drift(network, before, after, batch.inputs)),
    ]
    shown = {"": batch, "fresh_": moment.fresh} if fresh else {"": batch}
    for name, examples in shown.items():
        shift = covariate_shift(network, before, after, *examples)
        quantities += [
            (f"{name}shift", shift.relative),
            (f"{name}shift_cosine", shift.cosine),
            (f"{name}shift_cosine", shift.cosine[1:].mean(0)),
        ]
    return quantities


def _rows(
    quantities: Quantities, seeds: Sequence[int], step: int, loss: Tensor, **columns: Any
) -> list[dict[str, Any]]:
    """One row for each quantity, layer and member; layer 0 is the whole network."""
    return [
        {"step": step, **columns, "seed": seed, "layer": layer, "quantity": quantity, "value": value}
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
