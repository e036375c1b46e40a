"""Experiment: how long a step of every update order takes."""

import time
from collections.abc import Callable, Sequence
from itertools import product
from statistics import mean
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.networks import Parameters, build, build_random, stack
from movingtarget.networks.initialise import generator
from movingtarget.settings import COUNT, ORDER
from movingtarget.study import Config, Job, Study
from movingtarget.tables import MEASURED
from movingtarget.training.by_name import rule_of
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.minibatches import batches
from movingtarget.training.orders import examples_in_a_step, member_of


def jobs(config: Config) -> list[Job]:
    """One, of every order on every network, taken in turn."""
    orders = config["update_orders"]
    settings = {key: value for key, value in orders.items() if not key.startswith("evaluation_")}
    shared = {**settings, "locoprop": config["locoprop"], **config["update_order_times"]}
    return [Job("", shared, tuple(orders["networks"]), tuple(orders["orders"]))]


STUDY = Study(
    rule="time_update_orders",
    settings={"repetitions": COUNT},
    tables={"update_order_times": {**ORDER, "seed": int, "seconds": MEASURED}},
    jobs=jobs,
    images=True,
)

MOMENTS = 4
"""Steps of the schedule whose times are averaged in a repetition: some orders' cost changes on the way."""


def measure(
    images: Images,
    networks: Sequence[str],
    orders: Sequence[str],
    repetitions: int,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Table update_order_times: seconds of a step of the whole stack, seeds by learning rates.

    All networks and orders take turns, so that whatever else the machine does hits all alike. Each time is
    the mean of steps from all over the schedule, the same for every order; a step starts from the initial
    weights, with a minibatch for each seed. Column seed counts the repetitions.

    Args:
        images: the training images are used.
        networks: families.
        orders: of updates.
        repetitions: how often everything is timed.
        say: told of progress, once a repetition.
        settings: others of the study of update orders, and what the orders' rules are given.

    Raises:
        ValueError: an order is unknown, or a minibatch larger than the training data.
    """
    given = {"steps": settings["steps"], **settings["locoprop"]}
    rules = {order: rule_of(order, given) for order in orders}
    seeds, learning_rates = settings["seeds"], settings["learning_rates"]
    rates = torch.tensor([rate for rate in learning_rates for _ in seeds])
    members = {name: member_of(images, name, settings) for name in networks}
    built = {name: build(member) for name, member in members.items()}
    stacks = {
        name: stack(build_random(member, seed) for _ in learning_rates for seed in seeds)
        for name, member in members.items()
    }
    rows = []
    for repetition in range(repetitions):
        say(f"repetition {repetition + 1}/{repetitions}")
        moments = _moments(settings["steps"], repetition)
        for name, order in product(networks, orders):
            size = examples_in_a_step(order, built[name], settings["batch_size"])
            batch = _batch(images, size, seeds, len(learning_rates), repetition)
            seconds = _seconds(rules[order], built[name], stacks[name], batch, rates, moments)
            rows.append({"network": name, "order": order, "seed": repetition, "seconds": seconds})
    return {"update_order_times": pd.DataFrame(rows)}


def _seconds(
    rule: UpdateRule,
    network: nn.Module,
    parameters: Parameters,
    batch: Batch,
    learning_rates: Tensor,
    moments: Sequence[int],
) -> float:
    """Mean time of the steps that come after so many others, each from the parameters given."""
    times = []
    for done in [moments[0], *moments]:
        copies = {name: value.clone() for name, value in parameters.items()}
        memory = {"step": torch.tensor(done)}  # all that any of the rules remembers
        started = time.perf_counter()
        rule(network, copies, batch, memory, learning_rates)
        times.append(time.perf_counter() - started)
    return mean(times[1:])  # the first is the slowest: caches are still another order's


def _moments(steps: int, repetition: int) -> list[int]:
    """Steps done before the timed ones: one at random from each of equal stretches of the schedule."""
    draws = torch.rand(MOMENTS, generator=generator(repetition, "moments"), dtype=torch.float64)
    return [int(place * steps / MOMENTS) for place in torch.arange(MOMENTS) + draws]


def _batch(images: Images, size: int, seeds: Sequence[int], rates: int, epoch: int) -> Batch:
    """The first minibatch of an epoch, each seed's own, repeated for each learning rate."""
    examples = len(images.train_labels)
    if size > examples:
        raise ValueError(f"batch size {size} is larger than the training data ({examples} examples)")
    index = next(batches(examples, size, seeds, epoch))
    repeated = index.repeat(rates, 1)
    return Batch(images.train_inputs[repeated], images.train_labels[repeated])
