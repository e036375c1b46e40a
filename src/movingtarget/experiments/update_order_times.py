"""Experiment: how long a step of every update order takes."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import Any

import pandas as pd
import torch
from torch import nn

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.experiments.update_orders import architecture_of
from movingtarget.networks import Parameters, build_random, stack
from movingtarget.settings import COUNT, REGIME_ARM
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.budgets import examples_in_a_step
from movingtarget.training.by_name import rule_of
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.minibatches import batches
from movingtarget.update_orders import step_of_order
from movingtarget.work import NOTHING, Data, Work


def jobs(config: Config) -> list[Job]:
    """One, of every arm, taken in turn."""
    settings = config["update_orders"]
    shared = {
        key: settings[key] for key in ("seeds", "hidden_width", "depth", "activation", "initial_weights")
    }
    plans = settings["regimes"].items()
    arms = [
        {"regime": regime, "network": network, "order": order, "examples": plan["examples"]}
        for regime, plan in plans
        for arms in plan["arms"]
        for order in arms["orders"]
        for network in arms["networks"]
    ]
    families, orders = (tuple(dict.fromkeys(arm[key] for arm in arms)) for key in ("network", "order"))
    given = {"arms": arms, "given": config["locoprop"], **shared, **config["update_order_times"]}
    return [Job("", given, families, orders)]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Timed steps of every arm, more of those that differ in cost."""
    found, seeds = NOTHING, len(settings["seeds"])
    for arm in settings["arms"]:
        network = work.perceptron(
            arm["network"], data.pixels, settings["hidden_width"], settings["depth"], data.classes
        )
        steps = VARIED if arm["order"].startswith(("random", "round")) else STEPS
        found += (steps + 1) * step_of_order(arm["order"], network, seeds, arm["examples"])
    repetitions: int = settings["repetitions"]
    return repetitions * found


STUDY = Study(
    rule="time_update_orders",
    settings={"repetitions": COUNT},
    tables={"update_order_times": {**REGIME_ARM, "seed": int, "seconds": MEASURED}},
    jobs=jobs,
    images=True,
    undisturbed=True,
    work=counted,
)

TIMED_RATE = 0.01

STEPS = 4
"""Timed in a repetition, after one that is not: caches are then still another order's."""

VARIED = 36
"""Timed instead where a step costs more FLOPs than another: which layers move has to average out."""


def measure(
    images: Images,
    arms: Sequence[Mapping[str, Any]],
    seeds: Sequence[int],
    repetitions: int,
    given: Mapping[str, Any],
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Table update_order_times: seconds of a step of the tested seeds' stack.

    All arms take turns, so that whatever else the machine does hits all alike. Each time is the mean of
    several steps from the initial weights, with a minibatch for each seed, and of more steps where these
    differ in cost. Column seed counts the repetitions.

    Args:
        images: the training images are used.
        arms: regime, network, order and examples of a gradient of each.
        seeds: whose stack is timed.
        repetitions: how often everything is timed.
        given: what the orders' rules are given.
        say: told of progress, once a repetition.
        settings: others of the study of update orders.

    Raises:
        ValueError: an order is unknown, or a minibatch larger than the training data.
    """
    networks = {arm["network"]: architecture_of(arm["network"], images, settings) for arm in arms}
    members = {name: [build_random(member, seed) for seed in seeds] for name, member in networks.items()}
    rows = []
    for repetition in range(repetitions):
        say(f"repetition {repetition + 1}/{repetitions}")
        for arm in arms:
            drawn, order = members[arm["network"]], arm["order"]
            rule = rule_of(order, given)
            size = examples_in_a_step(order, drawn[0], arm["examples"])
            batch = _batch(images, size, seeds, repetition)
            named = {key: arm[key] for key in ("regime", "network", "order")}
            seconds = _seconds(rule, drawn[0], stack(drawn), batch)
            rows.append({**named, "seed": repetition, "seconds": seconds})
    return {"update_order_times": pd.DataFrame(rows)}


def _seconds(rule: UpdateRule, network: nn.Module, parameters: Parameters, batch: Batch) -> float:
    """Mean time of a step, each from the parameters given and at another point of the rule's course."""
    rates = torch.full(batch.labels.shape[:1], TIMED_RATE)
    memory: Parameters = {}
    times, costs = list[float](), set[float]()
    while len(times) <= (STEPS if len(costs) < 2 else VARIED):
        copies = {name: value.clone() for name, value in parameters.items()}
        started = time.perf_counter()
        outcome = rule(network, copies, batch, memory, rates)
        times.append(time.perf_counter() - started)
        memory = outcome.memory
        costs.add(outcome.cost.flops)
    return mean(times[1:])


def _batch(images: Images, size: int, seeds: Sequence[int], epoch: int) -> Batch:
    """The first minibatch of an epoch, each seed's own."""
    examples = len(images.train_labels)
    if size > examples:
        raise ValueError(f"batch size {size} is larger than the training data ({examples} examples)")
    index = batches(examples, size, seeds, epoch)[0]
    return Batch(images.train_inputs[index], images.train_labels[index])
