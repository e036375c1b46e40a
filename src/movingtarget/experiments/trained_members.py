"""Experiment: train every seed and learning rate of one arm (one network, depth and update rule)."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd
from torch import nn

from movingtarget.data.load import Images
from movingtarget.networks import Parameters, build, build_random, stack
from movingtarget.networks.initialise import Weights
from movingtarget.training import UpdateRule, locoprop, simultaneous
from movingtarget.training.loop import State, Training, start, train
from movingtarget.training.selection import best_learning_rate


class Trained(NamedTuple):
    """The curves of all members, and snapshots of the members at the best learning rate, by step."""

    table: pd.DataFrame
    snapshots: dict[int, Parameters]


def arm_network(arm: dict[str, Any], images: Images, hidden_width: int, activation: str) -> nn.Module:
    """The uninitialised network of an arm, sized for the data set."""
    return build(**_architecture(arm, images, hidden_width, activation))


def _architecture(arm: dict[str, Any], images: Images, hidden_width: int, activation: str) -> dict[str, Any]:
    """What `build` is called with."""
    return {
        "family": arm["network"],
        "inputs": images.train_inputs.shape[1],
        "width": hidden_width,
        "depth": arm["depth"],
        "outputs": int(images.train_labels.max()) + 1,
        "activation": activation,
    }


def update_rule(name: str, settings: dict[str, Any]) -> UpdateRule:
    """The update rule of that name; `settings` as in the config section of rules that need any."""
    return locoprop(**settings["locoprop"]) if name == "locoprop" else simultaneous


def train_arm(
    arm: dict[str, Any],
    images: Images,
    seeds: Sequence[int],
    hidden_width: int,
    activation: str,
    initial_weights: Weights,
    rule_settings: dict[str, Any],
    schedule: dict[str, Any],
    resumed: State | None,
    keep: Callable[[State], None],
    say: Callable[[str], None],
) -> Trained:
    """Train all members of an arm; rows of table training, and the best rate's members for measurements."""
    architecture = _architecture(arm, images, hidden_width, activation)
    rule = update_rule(arm["update_rule"], rule_settings)
    training = Training(
        network=build(**architecture),
        rule=rule,
        images=images,
        seeds=seeds,
        **_in_steps(schedule, len(images.train_labels)),
    )
    drawn = (build_random(**architecture, seed=seed, weights=initial_weights) for _, seed in training.members)
    state = resumed or start(stack(drawn))
    state = train(training, state, keep, say)
    table = pd.DataFrame(state.rows).assign(**arm)
    return Trained(table, _members_at(best_learning_rate(table), training, state.snapshots))


def _in_steps(schedule: dict[str, Any], examples: int) -> dict[str, Any]:
    """The schedule with its epochs in steps; the evaluations of each epoch evenly spaced, one at its end."""
    own = dict(schedule)
    per_epoch = examples // own["batch_size"]
    steps, evaluations = own.pop("epochs") * per_epoch, own.pop("evaluations_per_epoch")
    evaluated = [
        step
        for step in range(1, steps + 1)
        if step * evaluations // per_epoch > (step - 1) * evaluations // per_epoch
    ]
    return {**own, "steps": steps, "evaluation_steps": evaluated}


def _members_at(
    learning_rate: float, training: Training, snapshots: dict[int, Parameters]
) -> dict[int, Parameters]:
    places = [place for place, (rate, _) in enumerate(training.members) if rate == learning_rate]
    return {
        step: {name: value[places].clone() for name, value in parameters.items()}
        for step, parameters in snapshots.items()
    }
