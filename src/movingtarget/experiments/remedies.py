"""Experiment: rates and stages of their own for the layers, in training from scratch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.networks import Architecture, build, build_random
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    FAMILY,
    INITIAL_WEIGHTS,
    SEARCH,
    TUNED,
    choice,
    mapping,
    names_of,
    of_test_images,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.by_name import rule_of
from movingtarget.training.loop import Training
from movingtarget.training.scores import evenly, scores_of
from movingtarget.training.tuned import Draw, train_tuned
from movingtarget.training.tuning import search_rows
from movingtarget.work import Data, Work

LONGER = "simultaneous-longer"
"""Simultaneous updates for as many steps as greedy training takes with its fine-tuning."""

ORDERS = ("simultaneous", "smaller-early", "smaller-late", "lars", "freeze", "greedy", LONGER)

ARM: dict[str, Any] = {"network": names_of(FAMILY), "activation": names_of(ACTIVATION), "order": ORDERS}
"""Columns that name an arm."""


def jobs(config: Config) -> list[Job]:
    """One for each network."""
    settings = dict(config["remedies"])
    return [
        Job(
            "{network}-{activation}".format(**arm),
            {**arm, **settings},
            (arm["network"],),
            tuple(order for order in arm["orders"] if order != LONGER),
        )
        for arm in settings.pop("networks")
    ]


def problems(config: Config) -> Iterator[str]:
    """Every network has the order that others are compared with, and is named once; seeds differ."""
    settings = config["remedies"]
    named = [(arm["network"], arm["activation"]) for arm in settings["networks"]]
    for place, arm in enumerate(settings["networks"]):
        key = f"remedies.networks[{place}]"
        if "simultaneous" not in arm["orders"]:
            yield f"{key}.orders has no simultaneous; allowed: with simultaneous, the reference"
        if named.index(named[place]) < place:
            yield f"{key} is {' with '.join(named[place])} again; allowed: each network once"
    yield from problems_of_seeds("remedies")(config)


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A search and the tested seeds of every order."""
    network = work.perceptron(
        settings["network"], data.pixels, settings["hidden_width"], settings["depth"], data.classes
    )
    longer = sum(order in ("greedy", LONGER) for order in settings["orders"])
    steps = len(settings["orders"]) * settings["steps"] + longer * settings["pretraining_steps"]
    looks = len(settings["orders"]) * (settings["evaluations"] + 1)
    return work.tuned(
        settings,
        steps,
        partial(work.step, network, examples=settings["batch_size"]),
        looks,
        work.scored(network, settings["evaluation_examples"]),
    )


STUDY = Study(
    rule="train_remedies",
    settings={
        **TUNED,
        "hidden_width": COUNT,
        "depth": COUNT,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "steps": COUNT,
        "pretraining_steps": COUNT,
        "evaluations": COUNT,
        "evaluation_examples": {**of_training_images(2), **of_test_images(2)},
        "networks": several(
            mapping({"network": FAMILY, "activation": ACTIVATION, "orders": several(choice(*ORDERS))})
        ),
    },
    tables={
        "remedies": {
            **ARM,
            "learning_rate": follows(float),
            "seed": int,
            "step": int,
            "gradient_evaluations": follows(float),
            "flops": follows(float),
            "train_loss": MEASURED,
            "test_accuracy": MEASURED,
        },
        "remedies_search": {**ARM, **SEARCH},
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    resumable=True,
    problems=problems,
    work=counted,
)

Records = list[dict[Any, Any]]
"""Rows of a table, to be kept where code must not be."""


class Trained(NamedTuple):
    """Rows of both tables of one arm."""

    scores: Records
    search: Records


def measure(
    images: Images,
    network: str,
    activation: str,
    orders: Sequence[str],
    kept: dict[str, list[Records]] | None = None,
    keep: Callable[[dict[str, list[Records]]], None] = lambda done: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Tables remedies and remedies_search of one network: every order at its own best learning rate.

    Every order is trained for `steps` steps, greedy training for as many after `pretraining_steps` that add
    the layers one by one. The rate is the one with the lowest mean training loss at the end over seeds that
    are not among those trained then.

    Args:
        images: the data.
        network: the family.
        activation: of its hidden layers, unless the family has its own.
        orders: which layers move when, or how far.
        kept: records of orders that an earlier run has trained, by order, those of both tables.
        keep: called with the records of orders trained so far, after each.
        say: called with lines of progress.
        settings: others of the study.
    """
    done = dict(kept or {})
    for order in orders:
        if order not in done:
            plan, draw = plan_of(images, network, activation, order, settings)
            done[order] = list(train_order(plan, draw, settings["tuning_seeds"], _prefixed(say, order)))
            keep(done)
    return {
        table: pd.concat([pd.DataFrame(done[order][place]).assign(order=order) for order in orders]).assign(
            network=network, activation=activation
        )
        for place, table in enumerate(("remedies", "remedies_search"))
    }


def plan_of(
    images: Images, network: str, activation: str, order: str, settings: Mapping[str, Any]
) -> tuple[Training, Draw]:
    """What an order trains, how and for how long; the learning rates are those its search starts with."""
    extra = settings["pretraining_steps"] if order in ("greedy", LONGER) else 0
    # greedy training takes half of the steps it is told for adding layers
    given = 2 * extra if order == "greedy" else settings["steps"]
    architecture = Architecture(
        family=network,
        inputs=images.features,
        width=settings["hidden_width"],
        depth=settings["depth"],
        outputs=images.classes,
        activation=activation,
        initial_weights=settings["initial_weights"],
    )
    steps = extra + settings["steps"]
    training = Training(
        network=build(architecture),
        rule=rule_of("simultaneous" if order == LONGER else order, {"steps": given}),
        images=images,
        seeds=settings["seeds"],
        learning_rates=settings["learning_rates"],
        batch_size=settings["batch_size"],
        steps=steps,
        evaluation_steps=evenly(steps, settings["evaluations"]),
        evaluation_examples=settings["evaluation_examples"],
        curve_window=steps + 1,  # longer than the run: no curve of minibatch losses
    )
    return training, partial(build_random, architecture)


def train_order(
    plan: Training, draw: Draw, tuning_seeds: Sequence[int], say: Callable[[str], None]
) -> Trained:
    """Search for an order's rate with some seeds, and train the plan's at it."""
    tuned = train_tuned(plan, draw, tuning_seeds, say=say)
    searched = search_rows(tuned.search, tuning_seeds)
    return Trained(scores_of(tuned.table).to_dict("records"), searched.to_dict("records"))


def _prefixed(say: Callable[[str], None], order: str) -> Callable[[str], None]:
    return lambda line: say(f"{order}, {line}")
