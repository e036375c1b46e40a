"""Experiment: does it matter in which order the layers are updated?"""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from torch import nn

from movingtarget.data.load import Images
from movingtarget.networks import build_random, stack
from movingtarget.networks.chain import chain
from movingtarget.networks.initialise import Weights
from movingtarget.training.loop import Training, start, train
from movingtarget.training.rules import rule_of

SCORES = ["train_loss", "test_accuracy"]
KEY = ["learning_rate", "seed", "step", "gradient_evaluations", "flops"]


def measure(
    images: Images,
    order: str,
    networks: Sequence[str],
    locoprop: dict[str, Any],
    kept: dict[str, pd.DataFrame] | None,
    keep: Callable[[dict[str, pd.DataFrame]], None],
    say: Callable[[str], None],
    **settings: Any,
) -> pd.DataFrame:
    """Rows of table update_orders: one order, every network, learning rate, seed and evaluation.

    Args:
        images: the data.
        order: which layers move when.
        networks: families.
        locoprop: settings of LocoProp, iterations and gamma.
        kept: tables of networks that an earlier run has trained.
        keep: called with the tables of networks trained so far, after each.
        say: called with a line of progress at every evaluation.
        settings: those of `train_network`.
    """
    done = dict(kept or {})
    for network in networks:
        if network not in done:
            progress = _prefixed(say, network)
            done[network] = train_network(images, network, order, locoprop=locoprop, say=progress, **settings)
            keep(done)
    return pd.concat([done[network].assign(network=network, order=order) for network in networks])


def train_network(
    images: Images,
    network: str,
    order: str,
    seeds: Sequence[int],
    learning_rates: Sequence[float],
    hidden_width: int,
    depth: int,
    activation: str,
    initial_weights: Weights,
    batch_size: int,
    steps: int,
    evaluation_steps: Sequence[int],
    evaluation_examples: int,
    locoprop: dict[str, Any],
    say: Callable[[str], None],
) -> pd.DataFrame:
    """Rows of one network and order; a diverged member's scores are NaN from there on."""

    def member(seed: int) -> nn.Module:
        classes = int(images.train_labels.max()) + 1
        inputs = images.train_inputs.shape[1]
        return build_random(network, inputs, hidden_width, depth, classes, activation, seed, initial_weights)

    any_member = member(seeds[0])
    training = Training(
        network=any_member,
        rule=rule_of(order, steps, locoprop),
        images=images,
        seeds=seeds,
        learning_rates=learning_rates,
        batch_size=batch_size * (len(chain(any_member)) if order == "fresh" else 1),
        steps=steps,
        evaluation_steps=evaluation_steps,
        evaluation_examples=evaluation_examples,
        curve_window=steps + 1,  # longer than the run: no curve of minibatch losses
    )
    state = train(training, start(stack(member(seed) for _, seed in training.members)), say=say)
    rows = pd.DataFrame(state.rows)
    scores = rows[rows["quantity"].isin(SCORES)].pivot(index=KEY, columns="quantity", values="value")
    return scores.reset_index().rename_axis(columns=None)


def _prefixed(say: Callable[[str], None], network: str) -> Callable[[str], None]:
    return lambda line: say(f"{network}, {line}")
