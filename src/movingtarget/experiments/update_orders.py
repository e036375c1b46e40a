"""Experiment: does it matter in which order the layers are updated, with and without noise?"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from movingtarget import work
from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import Images
from movingtarget.networks import Architecture, build, build_random
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    FAMILY,
    INITIAL_WEIGHTS,
    REGIME_ARM,
    SEARCH,
    SWEEPS,
    TUNED,
    choice,
    mapping,
    of_test_images,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.budgets import budget_ends, examples_in_a_step
from movingtarget.training.by_name import rule_of
from movingtarget.training.loop import Training
from movingtarget.training.tuned import Tuned, train_to_ends
from movingtarget.training.tuning import search_rows
from movingtarget.update_orders import UPDATE_ORDERS, step_of_order
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One for each order on each network in each regime."""
    settings = dict(config["update_orders"])
    regimes = settings.pop("regimes")
    return [
        _job(
            regime,
            order,
            network,
            settings | {"examples": plan["examples"], "sweeps": plan["sweeps"]},
            config,
        )
        for regime, plan in regimes.items()
        for arms in plan["arms"]
        for order in arms["orders"]
        for network in arms["networks"]
    ]


def _job(regime: str, order: str, network: str, settings: dict[str, Any], config: Config) -> Job:
    given = {key: config["locoprop"][key] for key in UPDATE_ORDERS[order].given}
    arm = {"regime": regime, "order": order, "network": network}
    return Job(
        f"{regime}-{order}-{network}",
        {**arm, **settings, "given": given},
        (network,),
        tuple(dict.fromkeys([order, "simultaneous", SWEEPS[regime]])),
    )


def problems(config: Config) -> Iterator[str]:
    """Tuning seeds are not tested; every arm can be trained, and compared, and stands once."""
    yield from problems_of_seeds("update_orders")(config)
    for regime, plan in config["update_orders"]["regimes"].items():
        pairs = [
            (order, network)
            for arms in plan["arms"]
            for order in arms["orders"]
            for network in arms["networks"]
        ]
        key = f"update_orders.regimes.{regime}"
        for order, network in pairs:
            if pairs.count((order, network)) > 1:
                yield f"{key}.arms has {order} on {network} twice; allowed: once"
            if ("simultaneous", network) not in pairs:
                yield f"{key}.arms lacks simultaneous on {network}; allowed: with it, to compare {order} with"
            if UPDATE_ORDERS[order].fresh and regime != "fresh":
                yield f"{key}.arms has {order}; allowed: orders that share a minibatch, but in fresh"
            if "steps" in UPDATE_ORDERS[order].given:
                yield f"{key}.arms has {order}; allowed: orders without a plan for so many steps"
    yield from _too_many_fresh(config)


def _too_many_fresh(config: Config) -> Iterator[str]:
    """A minibatch for each layer takes as many times the images."""
    layers = config["update_orders"]["depth"] + 1
    dataset, examples = (
        dataset_named(config["dataset"]),
        config["update_orders"]["regimes"]["fresh"]["examples"],
    )
    images = dataset.training_images
    if examples * layers > images:
        yield (
            f"update_orders.regimes.fresh.examples is {examples}; allowed: at most {images // layers}, "
            f"for {dataset.name} has {images} training images, {layers} for each, one a layer"
        )


REGIME = mapping(
    {
        "examples": of_training_images(2),
        "sweeps": COUNT,
        "arms": several(mapping({"networks": several(FAMILY), "orders": several(choice(*UPDATE_ORDERS))})),
    }
)


LONGEST = 5
"""As `training.budgets` has it, which planning a run must not load."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A search whose trainings the budgets share, and courses of the tested seeds, mostly at two rates."""
    network = work.perceptron(
        settings["network"], data.pixels, settings["hidden_width"], settings["depth"], data.classes
    )
    order, examples = settings["order"], settings["examples"]
    one, together, long = (
        step_of_order(name, network, 1, examples).products
        for name in (order, "simultaneous", SWEEPS[settings["regime"]])
    )
    ends = [settings["sweeps"] * price / one for price in (one, together, long)]
    ends = [end for end in ends if end <= LONGEST * settings["sweeps"] or order == "simultaneous"]
    of_step = partial(step_of_order, order, network, examples=examples)
    of_look = work.scored(network, min(settings["evaluation_examples"], data.training_images))
    shorter: float = (sum({*ends}) - max(ends)) / 2
    longest = work.tuned(settings, max(ends), of_step, HALVINGS * len(ends), of_look)
    return longest + shorter * of_step(members=len(settings["seeds"]))


STUDY = Study(
    rule="train_update_orders",
    settings={
        **TUNED,
        "hidden_width": COUNT,
        "depth": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "evaluation_examples": {**of_training_images(2), **of_test_images(2)},
        "regimes": mapping(dict.fromkeys(SWEEPS, REGIME)),
    },
    tables={
        "update_orders": {
            **REGIME_ARM,
            "budget": ("sweep", "flop", "long-flop"),
            "seed": int,
            "step": int,
            "learning_rate": follows(float),
            "flops": follows(float),
            "train_loss": MEASURED,
            "test_accuracy": MEASURED,
        },
        "update_orders_search": {**REGIME_ARM, "budget": ("sweep", "flop", "long-flop"), **SEARCH},
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    resumable=True,
    problems=problems,
    work=counted,
)

SCORES = ["train_loss", "test_accuracy"]
HALVINGS = 7
"""Training is looked at in the end, and where a half, a quarter ... of it is done."""


def measure(
    images: Images,
    regime: str,
    order: str,
    network: str,
    examples: int,
    sweeps: int,
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Rows of tables update_orders and update_orders_search: one order on one network in one regime.

    Each budget has a learning rate of its own, the best on the tuning seeds when it is spent, and the course
    of the tested seeds at that rate up to there. A member that has diverged has NaN from there on.

    Args:
        images: the data; with a full batch, its first `examples` training images are all there are.
        regime: full-batch, minibatch or fresh, which differ in what a gradient is taken of.
        order: which layers move when.
        network: the family.
        examples: of one gradient.
        sweeps: steps of the budget sweep, from which the others follow (see `budget_ends`).
        kept: what an interrupted training kept last.
        keep: called with data to go on from.
        say: called with lines of progress.
        settings: others of the study, and what the order's rule is given.
    """
    if regime == "full-batch":
        images = images._replace(
            train_inputs=images.train_inputs[:examples], train_labels=images.train_labels[:examples]
        )
    architecture = architecture_of(network, images, settings)
    member = build(architecture)
    budgets = budget_ends(order, SWEEPS[regime], member, examples, sweeps, settings["given"])
    ends = sorted(set(budgets.values()))
    training = Training(
        network=member,
        rule=rule_of(order, settings["given"]),
        images=images,
        seeds=settings["seeds"],
        learning_rates=settings["learning_rates"],
        batch_size=examples_in_a_step(order, member, examples),
        steps=ends[-1],
        evaluation_steps=looks(ends),
        evaluation_examples=settings["evaluation_examples"],
        curve_window=ends[-1] + 1,  # longer than the run: no curve of minibatch losses
    )
    draw = partial(build_random, architecture)
    tuned = train_to_ends(training, ends, draw, settings["tuning_seeds"], kept, keep, say)
    arm = {"regime": regime, "network": network, "order": order}
    return {
        "update_orders": pd.concat(
            _course(tuned[end]).assign(**arm, budget=budget) for budget, end in budgets.items()
        ),
        "update_orders_search": pd.concat(
            search_rows(tuned[end].search, settings["tuning_seeds"], **arm, budget=budget)
            for budget, end in budgets.items()
        ),
    }


def architecture_of(network: str, images: Images, settings: dict[str, Any]) -> Architecture:
    """Of a family in the study of update orders, sized for the data set."""
    return Architecture(
        family=network,
        inputs=images.features,
        width=settings["hidden_width"],
        depth=settings["depth"],
        outputs=images.classes,
        activation=settings["activation"],
        initial_weights=settings["initial_weights"],
    )


def looks(ends: list[int]) -> list[int]:
    """When training is looked at: at the start, at every end, and at a half, a quarter ... of the way.

    >>> looks([10])
    [0, 1, 2, 5, 10]
    """
    return sorted({0} | {end >> halving for end in ends for halving in range(HALVINGS)})


def _course(tuned: Tuned) -> pd.DataFrame:
    """A row for each seed and look."""
    rows = tuned.table[tuned.table["quantity"].isin(SCORES)]
    keys = ["learning_rate", "seed", "step", "flops"]
    return rows.pivot(index=keys, columns="quantity", values="value").reset_index()
