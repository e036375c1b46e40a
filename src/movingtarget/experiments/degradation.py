"""Experiment: does a deeper network end at a higher training error, once that has stopped falling?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.networks.build import Architecture, build, build_random
from movingtarget.networks.initialise import Weights
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    SEARCH,
    TUNED,
    names_of,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.statistics.rows import where
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.loop import Training, train
from movingtarget.training.simultaneous import simultaneous
from movingtarget.training.tuned import Draw, final_losses, start_of
from movingtarget.training.tuning import search, search_rows
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One for each network at each depth."""
    settings = dict(config["degradation"])
    networks, depths = settings.pop("networks"), settings.pop("depths")
    return [
        Job(f"{network}-{depth}", {"network": network, "depth": depth, **settings}, families=(network,))
        for network in networks
        for depth in depths
    ]


def problems(config: Config) -> Iterator[str]:
    """A minibatch is of the examples, and seeds that choose a rate are not tested."""
    size, examples = config["degradation"]["batch_size"], config["degradation"]["examples"]
    if size > examples:
        yield f"degradation.batch_size is {size}; allowed: at most {examples}, degradation.examples"
    yield from problems_of_seeds("degradation")(config)


STOPPED = 0.4
"""The share of the longest training after which trainings stop, by those of results/reference."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """The search, and as much of the longest training as trainings take before they stop."""
    network = work.perceptron(
        settings["network"], data.pixels, settings["hidden_width"], settings["depth"], data.classes
    )
    examples, size = settings["examples"], settings["batch_size"]
    of_step, of_look = partial(work.step, network, examples=size), work.scored(network, examples, splits=1)
    members, seeds = work.tried(settings) * len(settings["tuning_seeds"]), len(settings["seeds"])
    searched = settings["tuning_epochs"] * (examples // size) * of_step(members)
    epochs: float = max(STOPPED * settings["epochs"], min(settings["epochs"], settings["patience"]))
    epoch = [examples // size * of_step(seeds), of_look(seeds)]
    return work.total([searched, epochs * work.total(epoch)])


STUDY = Study(
    rule="train_degradation",
    settings={
        **TUNED,
        "hidden_width": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "examples": of_training_images(2),
        "batch_size": of_training_images(2),
        "epochs": COUNT,
        "tuning_epochs": COUNT,
        "patience": COUNT,
        "depths": COUNTS,
        "networks": several(FAMILY),
    },
    tables={
        "degradation": {
            "network": names_of(FAMILY),
            "depth": int,
            "learning_rate": follows(float),
            "seed": int,
            "step": int,
            "quantity": ("train_loss", "train_error", "lowest_error"),
            "value": MEASURED,
        },
        "degradation_search": {"network": names_of(FAMILY), "depth": int, **SEARCH},
    },
    jobs=jobs,
    problems=problems,
    images=True,
    accelerated=True,
    work=counted,
)


def measure(
    images: Images,
    network: str,
    depth: int,
    seeds: Sequence[int],
    tuning_seeds: Sequence[int],
    learning_rates: Sequence[float],
    hidden_width: int,
    activation: str,
    initial_weights: Weights,
    examples: int,
    batch_size: int,
    epochs: int,
    tuning_epochs: int,
    patience: int,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Rows of tables degradation and degradation_search of one network at one depth.

    Members are trained on the first `examples` training images until none has set a new lowest training
    error, evaluated after every epoch, for `patience` epochs, or until none errs any more, or for `epochs`.
    The rate is that with the lowest training loss over `tuning_seeds` after `tuning_epochs`.
    """
    few = images._replace(
        train_inputs=images.train_inputs[:examples], train_labels=images.train_labels[:examples]
    )
    architecture = Architecture(
        network, images.features, hidden_width, depth, images.classes, activation, initial_weights
    )

    draw = partial(build_random, architecture)

    def losses_at(rates: list[float]) -> list[list[float]]:
        plan = _plan(architecture, few, tuning_seeds, rates, batch_size)
        end = tuning_epochs * plan.steps_per_epoch
        losses = final_losses(replace(plan, steps=end), [end], draw)
        say(f"search, {len(plan.members)} members: {end} steps")
        return [losses[rate][end] for rate in rates]

    found = search(losses_at, learning_rates)
    plan = _plan(architecture, few, seeds, [found.best], batch_size)
    scores = until_it_stops(plan, draw, epochs, patience)
    say(f"{len(plan.members)} members: {scores['step'].max()} of {epochs * plan.steps_per_epoch} steps")
    arm: dict[str, Any] = {"network": network, "depth": depth}
    return {
        "degradation": scores.assign(**arm),
        "degradation_search": search_rows(found, tuning_seeds, **arm),
    }


def _plan(
    architecture: Architecture, few: Images, seeds: Sequence[int], rates: list[float], batch_size: int
) -> Training:
    """Gradient descent on all examples, which are scored as a whole; how long, is open."""
    return Training(
        network=build(architecture),
        rule=simultaneous,
        images=few,
        seeds=seeds,
        learning_rates=rates,
        batch_size=batch_size,
        steps=0,
        evaluation_steps=(),
        evaluation_examples=len(few.train_labels),
        splits=["train"],
        curve_window=len(few.train_labels),  # longer than an epoch, so that no point is recorded
    )


def until_it_stops(plan: Training, draw: Draw, epochs: int, patience: int) -> pd.DataFrame:
    """Scores of every member after every epoch: training loss, error, and the lowest error so far."""
    state = start_of(plan, draw)
    steps = plan.steps_per_epoch
    for epoch in range(1, epochs + 1):
        state = train(replace(plan, steps=epoch * steps, evaluation_steps=[0, epoch * steps]), state)
        scores = _scores(pd.DataFrame(state.rows))
        if _has_stopped(scores, patience):
            break
    return scores


def _scores(rows: pd.DataFrame) -> pd.DataFrame:
    """Training loss, error and lowest error so far; a member that has diverged errs on all images."""
    keys = ["learning_rate", "seed", "step"]
    wide = rows.pivot_table(index=keys, columns="quantity", values="value", dropna=False)
    errors = 1 - wide["train_accuracy"].fillna(0.0)
    scores = pd.DataFrame({"train_loss": wide["train_loss"], "train_error": errors})
    scores["lowest_error"] = errors.groupby(["learning_rate", "seed"]).cummin()
    return scores.melt(ignore_index=False, var_name="quantity").reset_index()


def _has_stopped(scores: pd.DataFrame, patience: int) -> bool:
    """Whether no member has erred less than `patience` evaluations ago, or none errs at all."""
    members = ["learning_rate", "seed"]
    lowest = where(scores, quantity="lowest_error").pivot(index="step", columns=members, values="value")
    last = lowest.iloc[-1]
    idle = len(lowest) > patience and (last == lowest.iloc[-1 - patience]).all()
    return bool(idle or (last == 0).all())
