"""Experiment: does it matter in which order the layers are updated?"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from movingtarget.data.load import Images
from movingtarget.networks import build, build_random, stack
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    ORDER,
    POSITIVES,
    SEEDS,
    choice,
    of_test_images,
    of_training_images,
    several,
)
from movingtarget.study import Config, Job, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.by_name import rule_of
from movingtarget.training.loop import Training, start, train
from movingtarget.training.orders import examples_in_a_step, member_of
from movingtarget.update_orders import UPDATE_ORDERS


def jobs(config: Config) -> list[Job]:
    """One for each order."""
    settings = dict(config["update_orders"])
    orders, families = settings.pop("orders"), tuple(settings["networks"])
    given = {order: {key: config["locoprop"][key] for key in _of_locoprop(order)} for order in orders}
    return [
        Job(order, {"order": order, **settings, "locoprop": given[order]}, families, (order,))
        for order in orders
    ]


def _of_locoprop(order: str) -> list[str]:
    """Those settings of LocoProp that an order's rule is made with."""
    return [key for key in UPDATE_ORDERS[order].given if key != "steps"]


def problems(config: Config) -> Iterator[str]:
    """The last evaluation is at the end."""
    settings = config["update_orders"]
    if max(settings["evaluation_steps"]) != settings["steps"]:
        yield (
            f"update_orders.evaluation_steps ends at {max(settings['evaluation_steps'])}; "
            f"allowed: steps up to {settings['steps']}, the last, which is update_orders.steps"
        )


STUDY = Study(
    rule="train_update_orders",
    settings={
        "seeds": SEEDS,
        "learning_rates": POSITIVES,
        "hidden_width": COUNT,
        "depth": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "steps": COUNT,
        "evaluation_steps": COUNTS,
        "evaluation_examples": {**of_training_images(2), **of_test_images(2)},
        "networks": several(FAMILY),
        "orders": {**several(choice(*UPDATE_ORDERS)), "contains": {"const": "simultaneous"}},
    },
    tables={
        "update_orders": {
            **ORDER,
            "learning_rate": float,
            "seed": int,
            "step": int,
            "gradient_evaluations": follows(float),
            "flops": follows(float),
            "train_loss": MEASURED,
            "test_accuracy": MEASURED,
        }
    },
    jobs=jobs,
    images=True,
    resumable=True,
    problems=problems,
)

SCORES = ["train_loss", "test_accuracy"]
Records = list[dict[Hashable, Any]]
"""Rows of a table, to be kept where code must not be."""

KEY = ["learning_rate", "seed", "step", "gradient_evaluations", "flops"]


def measure(
    images: Images,
    order: str,
    networks: Sequence[str],
    kept: dict[str, Records] | None = None,
    keep: Callable[[dict[str, Records]], None] = lambda records: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Rows of table update_orders of one order: every network, learning rate, seed and evaluation.

    Args:
        images: the data.
        order: which layers move when.
        networks: families.
        kept: records of networks that an earlier run has trained.
        keep: called with the records of networks trained so far, after each.
        say: called with a line of progress at every evaluation.
        settings: others of the study, and what the order's rule is given.
    """
    done = dict(kept or {})
    for network in networks:
        if network not in done:
            done[network] = train_network(images, network, order, settings, _prefixed(say, network))
            keep(done)
    tables = [pd.DataFrame(done[network]).assign(network=network, order=order) for network in networks]
    return {"update_orders": pd.concat(tables)}


def train_network(
    images: Images,
    network: str,
    order: str,
    settings: Mapping[str, Any],
    say: Callable[[str], None] = lambda line: None,
) -> Records:
    """Records of one network and order; a diverged member's scores are NaN from there on."""
    architecture, steps = member_of(images, network, settings), settings["steps"]
    any_member = build(architecture)
    training = Training(
        network=any_member,
        rule=rule_of(order, {"steps": steps, **settings["locoprop"]}),
        images=images,
        seeds=settings["seeds"],
        learning_rates=settings["learning_rates"],
        batch_size=examples_in_a_step(order, any_member, settings["batch_size"]),
        steps=steps,
        evaluation_steps=settings["evaluation_steps"],
        evaluation_examples=settings["evaluation_examples"],
        curve_window=steps + 1,  # longer than the run: no curve of minibatch losses
    )
    drawn = (build_random(architecture, seed) for _, seed in training.members)
    rows = pd.DataFrame(train(training, start(stack(drawn)), say=say).rows)
    scores = rows[rows["quantity"].isin(SCORES)].pivot(index=KEY, columns="quantity", values="value")
    return scores.reset_index().to_dict("records")


def _prefixed(say: Callable[[str], None], network: str) -> Callable[[str], None]:
    return lambda line: say(f"{network}, {line}")
