"""Experiment: how far the target moves for each layer, by the movement of the others, along training."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice, pairwise
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.measures.curvature import block_curvatures
from movingtarget.measures.moving_target import (
    covariate_shift,
    drops,
    gradient_norms,
    gradients,
    input_drift,
    movement,
)
from movingtarget.networks import Architecture, Parameters, build_random, call, stack
from movingtarget.networks.chain import chain
from movingtarget.networks.initialise import Weights
from movingtarget.networks.losses import member_losses
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    POSITIVE,
    POSITIVES,
    SEEDS,
    STEPS,
    at_least,
    mapping,
    names_of,
    of_training_images,
    several,
)
from movingtarget.study import Config, Job, Study
from movingtarget.tables import MEASURED
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.minibatches import batches
from movingtarget.training.sequential import recomputed
from movingtarget.training.simultaneous import simultaneous

QUANTITIES = (
    "loss",
    "joint_drop",
    "single_drops",
    "first_order",
    "joint_share",
    "single_share",
    "interaction",
    "sweep_drop",
    "gradient_norm",
    "movement",
    "single_drop",
    "shift",
    "shift_cosine",
    "fresh_shift",
    "fresh_shift_cosine",
    "input_drift",
    "curvature",
    "curvature_ratio",
    "largest_rate",
    "largest_sweep_rate",
    "bought",
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
    """Curvatures are those of members and steps, and on examples, that there are."""
    settings = config["moving_target"]
    curvature, rates, steps = settings["curvature"], settings["learning_rates"], settings["steps"]
    if curvature["learning_rate"] not in rates:
        yield (
            f"moving_target.curvature.learning_rate is {curvature['learning_rate']}; allowed: one of "
            f"moving_target.learning_rates, {', '.join(map(str, rates))}"
        )
    if other := sorted(set(curvature["steps"]) - set(steps)):
        yield (
            f"moving_target.curvature.steps has {other[0]}; allowed: those of moving_target.steps, "
            f"{', '.join(map(str, steps))}"
        )
    if curvature["examples"] > settings["batch_size"]:
        yield (
            f"moving_target.curvature.examples is {curvature['examples']}; allowed: at most "
            f"{settings['batch_size']}, moving_target.batch_size"
        )


STUDY = Study(
    rule="measure_moving_target",
    settings={
        "seeds": SEEDS,
        "learning_rates": POSITIVES,
        "steps": STEPS,
        "hidden_width": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "depths": COUNTS,
        "networks": several(FAMILY),
        "curvature": mapping(
            {
                "learning_rate": POSITIVE,
                "steps": {"type": "array", "uniqueItems": True, "items": at_least(0)},
                "examples": at_least(2),
                "iterations": COUNT,
                "block_iterations": COUNT,
            }
        ),
    },
    tables={
        "moving_target": {
            "network": names_of(FAMILY),
            "depth": int,
            "learning_rate": float,
            "step": int,
            "seed": int,
            "layer": int,
            "quantity": QUANTITIES,
            "value": MEASURED,
        }
    },
    jobs=jobs,
    images=True,
    problems=problems,
)

LEAST_RATE, DOUBLINGS, HALVINGS = 1e-6, 30, 6
"""Largest rates are looked for from 1e-6 up to 1e-6 x 2^30, about 1000, and found to 1.1 %."""

Quantities = list[tuple[str, Tensor]]
"""Names and values: of the whole network, `(members,)`, or of its layers, `(layers, members)`."""


def measure(
    images: Images,
    network: str,
    depth: int,
    seeds: Sequence[int],
    learning_rates: Sequence[float],
    steps: Sequence[int],
    hidden_width: int,
    batch_size: int,
    activation: str,
    initial_weights: Weights,
    curvature: dict[str, Any],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Rows of table moving_target of one family at one depth: every learning rate, seed, layer and quantity.

    The members, all pairs of a rate and a seed, are trained by gradient descent, each seed on minibatches of
    its own. At each of `steps` everything is measured of the step that training takes next; fresh_shift is on
    the minibatch after that. NaN stands for values that are not finite, and for all of a diverged member.

    Args:
        images: the training images.
        network: the family.
        depth: hidden layers.
        seeds: of the weights and of the order of examples.
        learning_rates: of the training and of the steps measured.
        steps: done before the step that is measured; 0 is at initialisation.
        hidden_width: units of a hidden layer.
        batch_size: examples in a minibatch.
        activation: of the families that have none of their own.
        initial_weights: "normal" or "orthogonal".
        curvature: `learning_rate` of the members and `steps` at which the curvatures and the largest rates
            are measured, the former on the first `examples` of the minibatch by `iterations` and
            `block_iterations` of Lanczos.
        say: told of progress, once for each of `steps`.

    Raises:
        ValueError: the minibatch is larger than the training data, or the curvature's learning rate or steps
            are none of those measured.
    """
    _check(images, batch_size, learning_rates, steps, curvature)
    architecture = Architecture(
        network, images.features, hidden_width, depth, images.classes, activation, initial_weights
    )
    networks = [build_random(architecture, seed) for seed in seeds]
    members = [(rate, seed) for rate in learning_rates for seed in seeds]
    parameters = stack(networks * len(learning_rates))
    rates = torch.tensor([rate for rate, _ in members])
    chosen = [place for place, (rate, _) in enumerate(members) if rate == curvature["learning_rate"]]
    minibatches = _minibatches(images, batch_size, seeds, len(learning_rates))
    rows = []
    for step, (batch, fresh) in enumerate(islice(pairwise(minibatches), max(steps) + 1)):
        before = parameters
        parameters, _, _, loss = simultaneous(networks[0], _copy(before), batch, {}, rates)
        if step in steps:
            say(f"{network}, depth {depth}, step {step}")
            quantities = _next_step(networks[0], before, parameters, batch, fresh, rates)
            rows += _rows(quantities, members, loss, step)
        if step in curvature["steps"]:
            quantities = _curvatures(networks[0], *_of(chosen, before, batch), curvature)
            rows += _rows(quantities, [members[place] for place in chosen], loss[chosen], step)
    return {"moving_target": pd.DataFrame(rows).assign(network=network, depth=depth)}


def largest_lowering_rate(
    network: nn.Module, parameters: Parameters, batch: Batch, rule: UpdateRule
) -> Tensor:
    """The largest learning rate at which one step of a rule still lowers the loss of its own minibatch.

    The rate is doubled from 1e-6 until it does not; between the last two it is found by bisection of its
    logarithm, 1.1 % too low at most. Larger rates that lower the loss again, by chance, are not looked for.
    Small rates want parameters in double precision.

    Returns:
        `(members,)`; NaN where 1e-6 is too large already, infinite where 1000 is not.
    """
    start = member_losses(call(network, parameters, batch.inputs), batch.labels)

    def lowers(rates: Tensor) -> Tensor:
        moved = rule(network, _copy(parameters), batch, {}, rates).parameters
        return member_losses(call(network, moved, batch.inputs), batch.labels) < start

    low = torch.full_like(start, LEAST_RATE)
    lowered = climbing = lowers(low)
    for _ in range(DOUBLINGS):
        if climbing.any():
            climbing = climbing & lowers(2 * low)
            low = torch.where(climbing, 2 * low, low)
    for halving in range(1, HALVINGS + 1):
        middle = low * 2.0 ** (2.0**-halving)
        low = torch.where(lowers(middle), middle, low)
    return torch.where(climbing, torch.inf, low).where(lowered, torch.nan)


def _check(
    images: Images,
    batch_size: int,
    learning_rates: Sequence[float],
    steps: Sequence[int],
    curvature: dict[str, Any],
) -> None:
    if not 0 < batch_size <= (most := len(images.train_labels)):
        raise ValueError(f"batch_size is {batch_size}; allowed: 1 to {most}, the training images")
    if curvature["learning_rate"] not in learning_rates:
        raise ValueError(
            f"curvature.learning_rate is {curvature['learning_rate']}; allowed: one of learning_rates, "
            f"{', '.join(map(str, learning_rates))}"
        )
    if other := sorted(set(curvature["steps"]) - set(steps)):
        raise ValueError(
            f"curvature.steps has {other[0]}; allowed: those of steps, {', '.join(map(str, steps))}"
        )


def _minibatches(images: Images, batch_size: int, seeds: Sequence[int], rates: int) -> Iterator[Batch]:
    """The minibatches of training, without end: each seed's own examples, repeated for each rate."""
    for epoch in count():
        for index in batches(len(images.train_labels), batch_size, seeds, epoch):
            repeated = index.repeat(rates, 1)
            yield Batch(images.train_inputs[repeated], images.train_labels[repeated])


def _next_step(
    network: nn.Module, before: Parameters, after: Parameters, batch: Batch, fresh: Batch, rates: Tensor
) -> Quantities:
    """All that is measured of one step of all members."""
    links, exact_inputs = chain(network), batch.inputs.double()
    measured = drops(network, _double(before), _double(after), exact_inputs, batch.labels)
    swept = recomputed("forward")(network, _copy(before), batch, {}, rates).parameters
    swept_loss = member_losses(call(network, _double(swept), exact_inputs), batch.labels)
    shift = covariate_shift(network, before, after, *batch)
    fresh_shift = covariate_shift(network, before, after, *fresh)
    joint, single, first_order = measured.joint, measured.single.sum(0), measured.first_order
    return [
        ("loss", measured.loss),
        ("joint_drop", joint),
        ("single_drops", single),
        ("first_order", first_order),
        ("joint_share", joint / first_order),
        ("single_share", single / first_order),
        ("interaction", (single - joint) / first_order),
        ("sweep_drop", measured.loss - swept_loss),
        ("gradient_norm", gradient_norms(links, gradients(network, before, *batch))),
        ("movement", movement(links, before, after)),
        ("single_drop", measured.single),
        ("shift", shift.relative),
        ("shift_cosine", shift.cosine),
        ("fresh_shift", fresh_shift.relative),
        ("fresh_shift_cosine", fresh_shift.cosine),
        ("input_drift", input_drift(network, before, after, batch.inputs)),
    ]


def _curvatures(
    network: nn.Module, parameters: Parameters, batch: Batch, settings: dict[str, Any]
) -> Quantities:
    """Curvatures and the largest rates."""
    examples = settings["examples"]
    measured = block_curvatures(
        network,
        parameters,
        batch.inputs[:, :examples],
        batch.labels[:, :examples],
        settings["iterations"],
        settings["block_iterations"],
        seed=0,
    )
    exact = _double(parameters), Batch(batch.inputs.double(), batch.labels)
    rate = largest_lowering_rate(network, *exact, simultaneous)
    sweep_rate = largest_lowering_rate(network, *exact, recomputed("forward"))
    return [
        ("curvature", measured.whole),
        ("curvature", measured.blocks),
        ("curvature_ratio", measured.ratio),
        ("largest_rate", rate),
        ("largest_sweep_rate", sweep_rate),
        ("bought", sweep_rate / rate),
    ]


def _of(places: list[int], parameters: Parameters, batch: Batch) -> tuple[Parameters, Batch]:
    """Some members of a stack, and their minibatches."""
    chosen = {name: value[places] for name, value in parameters.items()}
    return chosen, Batch(batch.inputs[places], batch.labels[places])


def _rows(
    quantities: Quantities, members: Sequence[tuple[float, int]], loss: Tensor, step: int
) -> list[dict[str, Any]]:
    """One row for each quantity, layer and member; layer 0 is the whole network."""
    return [
        {
            "learning_rate": rate,
            "step": step,
            "seed": seed,
            "layer": layer,
            "quantity": quantity,
            "value": value,
        }
        for quantity, values in quantities
        for layer, row in (enumerate(values, 1) if values.dim() == 2 else [(0, values)])
        for (rate, seed), value in zip(members, _finite(row, loss).tolist(), strict=True)
    ]


def _finite(values: Tensor, loss: Tensor) -> Tensor:
    """NaN in the place of values that are not finite, and of all of a member whose loss is not."""
    return values.where(values.isfinite() & loss.isfinite(), torch.nan)


def _copy(parameters: Parameters) -> Parameters:
    return {name: value.clone() for name, value in parameters.items()}


def _double(parameters: Parameters) -> Parameters:
    """Losses whose difference is small need it."""
    return {name: value.double() for name, value in parameters.items()}
