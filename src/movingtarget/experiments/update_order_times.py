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
from movingtarget.networks import Parameters, build_random, stack
from movingtarget.networks.chain import chain
from movingtarget.networks.initialise import Weights, generator
from movingtarget.training.order import batches
from movingtarget.training.rule import Batch, UpdateRule
from movingtarget.training.rules import rule_of

MOMENTS = 4
"""Steps of the schedule whose times are averaged in a repetition: some orders' cost changes on the way."""


def measure(
    images: Images,
    seeds: Sequence[int],
    learning_rates: Sequence[float],
    hidden_width: int,
    depth: int,
    activation: str,
    initial_weights: Weights,
    batch_size: int,
    steps: int,
    networks: Sequence[str],
    orders: Sequence[str],
    locoprop: dict[str, Any],
    repetitions: int,
    say: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Table update_order_times: seconds of a step of the whole stack, seeds by learning rates.

    All networks and orders take turns, so that whatever else the machine does hits all alike. Each time is
    the mean of steps from all over the schedule, the same for every order; a step starts from the initial
    weights, with a minibatch for each seed. Column seed counts the repetitions.

    Args:
        images: the training images are used.
        seeds: of members, their weights and minibatches.
        learning_rates: of members; each seed has all.
        hidden_width: of every network.
        depth: hidden layers.
        activation: of the hidden layers.
        initial_weights: how they are drawn.
        batch_size: examples in a minibatch; in the order "fresh" as many for each layer.
        steps: of the schedule.
        networks: families.
        orders: of updates.
        locoprop: settings of LocoProp, iterations and gamma.
        repetitions: how often everything is timed.
        say: told of progress, once a repetition.

    Raises:
        ValueError: an order is unknown, or a minibatch larger than the training data.
    """
    rules = {order: rule_of(order, steps, locoprop) for order in orders}
    rates = torch.tensor([rate for rate in learning_rates for _ in seeds])
    inputs, classes = images.train_inputs.shape[1], int(images.train_labels.max()) + 1

    def member(network: str, seed: int) -> nn.Module:
        return build_random(network, inputs, hidden_width, depth, classes, activation, seed, initial_weights)

    built = {name: member(name, seeds[0]) for name in networks}
    stacks = {name: stack(member(name, seed) for _ in learning_rates for seed in seeds) for name in networks}
    rows = []
    for repetition in range(repetitions):
        say(f"repetition {repetition + 1}/{repetitions}")
        moments = _moments(steps, repetition)
        for name, order in product(networks, orders):
            size = batch_size * (len(chain(built[name])) if order == "fresh" else 1)
            batch = _batch(images, size, seeds, len(learning_rates), repetition)
            seconds = _seconds(rules[order], built[name], stacks[name], batch, rates, moments)
            rows.append({"network": name, "order": order, "seed": repetition, "seconds": seconds})
    return pd.DataFrame(rows)


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
