"""Experiment: the largest learning rate at which training still learns, found by bisection."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.experiments.update_orders import architecture_of
from movingtarget.networks import build, build_random
from movingtarget.settings import COUNT, FAMILY, REGIME_ARM, choice, mapping, of_training_images, several
from movingtarget.statistics.rows import where
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.budgets import examples_in_a_step
from movingtarget.training.by_name import rule_of
from movingtarget.training.interface import UpdateRule
from movingtarget.training.loop import Training, train
from movingtarget.training.tuned import start_of
from movingtarget.update_orders import UPDATE_ORDERS, step_of_order
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One for each order on each network in each regime."""
    shared = ("seeds", "hidden_width", "depth", "activation", "initial_weights", "evaluation_examples")
    settings = {key: config["update_orders"][key] for key in shared}
    given = {"given": dict(config["locoprop"])}
    return [
        Job(
            f"{regime}-{order}-{network}",
            {"regime": regime, "order": order, "network": network, **settings, **given, **horizon},
            (network,),
            (order,),
        )
        for regime, horizon in config["stable_rates"]["horizons"].items()
        for order in config["stable_rates"]["orders"]
        for network in config["stable_rates"]["networks"]
    ]


HORIZON = mapping({"examples": of_training_images(2), "sweeps": COUNT})


def problems(config: Config) -> Iterator[str]:
    """A search for the largest rate starts from the best one of the same arm."""
    for regime in config["stable_rates"]["horizons"]:
        arms = config["update_orders"]["regimes"][regime]["arms"]
        trained = {(order, network) for arm in arms for order in arm["orders"] for network in arm["networks"]}
        for order, network in product(config["stable_rates"]["orders"], config["stable_rates"]["networks"]):
            if (order, network) not in trained:
                yield (
                    f"stable_rates has {order} on {network}; allowed: arms of "
                    f"update_orders.regimes.{regime}, where the search starts from"
                )


CLIMBED = 5
"""Trainings before the bisection, by those of results/reference."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """As many trainings as a bisection takes."""
    network = work.perceptron(
        settings["network"], data.pixels, settings["hidden_width"], settings["depth"], data.classes
    )
    seeds, scored = len(settings["seeds"]), min(settings["evaluation_examples"], data.training_images)
    one = settings["sweeps"] * step_of_order(settings["order"], network, seeds, settings["examples"])
    return (HALVINGS + CLIMBED) * work.total([one, work.forward(network, seeds, scored)])


STUDY = Study(
    rule="measure_stable_rates",
    settings={
        "horizons": mapping({"full-batch": HORIZON, "minibatch": HORIZON}),
        "orders": several(choice(*UPDATE_ORDERS)),
        "networks": several(FAMILY),
    },
    tables={"stable_rates": {**REGIME_ARM, "seed": int, "value": MEASURED}},
    jobs=jobs,
    images=True,
    accelerated=True,
    reads=("update_orders_search",),
    problems=problems,
    work=counted,
)

UNLEARNED = 0.9
"""Of the loss of the uniform guess: a network that ends above has failed, whether diverged or collapsed."""

DOUBLINGS, HALVINGS = 12, 5
"""Rates are halved or doubled up to twelve times; then the last factor of two is cut to 2.2 %."""


def measure(
    images: Images,
    update_orders_search: pd.DataFrame,
    regime: str,
    order: str,
    network: str,
    examples: int,
    sweeps: int,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Rows of table stable_rates: for each seed the largest rate up to which an order learns in some sweeps.

    It has learnt if its training loss at the end is below 0.9 times that of the uniform guess, the logarithm
    of the number of classes; a loss that is not finite, and that of a network which has collapsed to the
    uniform guess, are failures. Each seed's rate starts from the best one, is halved until training learns,
    or else doubled until it first fails; between the last two it is found by bisection. Larger rates that
    learn again, by chance, are not looked for.

    Args:
        images: the data; with a full batch, its first `examples` training images are all there are.
        update_orders_search: that table, whose best rate for the arm's budget sweep is where to start.
        regime: full-batch or minibatch.
        order: of the updates.
        network: the family.
        examples: of one gradient.
        sweeps: the horizon, in steps of the order.
        say: called with a line of progress for each training.
        settings: others of the study of update orders, and what the order's rule is given.

    Returns:
        NaN for a seed that fails even at a 4096th of the best rate, infinity for one that still learns at
        4096 times that.
    """
    if regime == "full-batch":
        images = images._replace(
            train_inputs=images.train_inputs[:examples], train_labels=images.train_labels[:examples]
        )
    architecture = architecture_of(network, images, settings)
    member, seeds = build(architecture), settings["seeds"]
    training = Training(
        network=member,
        rule=rule_of(order, settings["given"]),
        images=images,
        seeds=seeds,
        learning_rates=[1.0],
        batch_size=examples_in_a_step(order, member, examples),
        steps=sweeps,
        evaluation_steps=[sweeps],
        evaluation_examples=settings["evaluation_examples"],
        splits=["train"],
        curve_window=sweeps + 1,
    )

    def learns(rates: Tensor) -> Tensor:
        plan = replace(training, rule=_scaled(training.rule, rates.to(images.device)))
        rows = train(plan, start_of(plan, partial(build_random, architecture))).rows
        last = [row["value"] for row in rows if row["quantity"] == "train_loss" and row["step"] == sweeps]
        found = torch.tensor(last) < UNLEARNED * math.log(images.classes)
        say(f"rates up to {rates.max():.3g}: {int(found.sum())} of {len(found)} learn")
        return found

    best = _best_rate(update_orders_search, regime=regime, network=network, order=order)
    rates = largest_rates(learns, torch.full((len(seeds),), best, dtype=torch.float64))
    rows = pd.DataFrame({"seed": seeds, "value": rates.tolist()})
    return {"stable_rates": rows.assign(regime=regime, network=network, order=order)}


def largest_rates(learns: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """The largest rate, for each member, up to which it learns; rates and answers `(members,)`.

    >>> limits = torch.tensor([0.3, 5.0, 0.01])
    >>> largest_rates(lambda rates: rates < limits, torch.full((3,), 0.1)).round(decimals=2)
    tensor([0.3000, 4.9400, 0.0100])
    """
    low = start.clone()
    climbing = learns(low)
    falling = ~climbing
    for _ in range(DOUBLINGS):
        if falling.any():
            low = torch.where(falling, low / 2, low)
            falling = falling & ~learns(low)
    for _ in range(DOUBLINGS):
        if climbing.any():
            climbing = climbing & learns(2 * low)
            low = torch.where(climbing, 2 * low, low)
    for halving in range(1, HALVINGS + 1):
        middle = low * 2.0 ** (2.0**-halving)
        low = torch.where(learns(middle), middle, low)
    return torch.where(climbing, torch.inf, low).where(~falling, torch.nan)


def _scaled(rule: UpdateRule, rates: Tensor) -> UpdateRule:
    """The rule with a rate of each member's own."""
    return lambda network, parameters, batch, memory, ones: rule(
        network, parameters, batch, memory, (ones * rates).to(ones.dtype)
    )


def _best_rate(search: pd.DataFrame, **arm: str) -> float:
    tried = where(search, **arm, budget="sweep")
    return float(tried.loc[tried["place"] != "tried", "learning_rate"].iloc[0])
