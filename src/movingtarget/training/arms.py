"""Training of one arm: every seed and learning rate of a family at a depth under an update rule."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from movingtarget.data.load import Images
from movingtarget.networks import Architecture, Parameters, build, build_random, stack
from movingtarget.statistics.best_rate import best_learning_rate
from movingtarget.training.by_name import rule_of_arm
from movingtarget.training.loop import Training, as_data, from_data, start, train


class Trained(NamedTuple):
    """The curves of all members, and snapshots of the members at the best learning rate, by step."""

    table: pd.DataFrame
    snapshots: dict[int, Parameters]


def architecture_of(arm: Mapping[str, Any], images: Images, settings: Mapping[str, Any]) -> Architecture:
    """Of an arm's network, sized for the data set; `settings` beyond the arm's own are those of its study."""
    return Architecture(
        family=arm["network"],
        inputs=images.features,
        width=settings["hidden_width"],
        depth=arm["depth"],
        outputs=images.classes,
        activation=settings["activation"],
        initial_weights=settings.get("initial_weights", "normal"),
    )


def train_arm(
    arm: Mapping[str, Any],
    images: Images,
    settings: Mapping[str, Any],
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train all members of an arm.

    Args:
        arm: its network, depth and update_rule.
        images: the data.
        settings: of a study of arms, and what the update rule is given.
        kept: the state, as data, that an interrupted training kept last.
        keep: called with the state, as data, after every epoch.
        say: called with lines of progress.

    Returns:
        Rows of a table of training curves, and the best rate's members.
    """
    architecture = architecture_of(arm, images, settings)
    training = Training(
        network=build(architecture),
        rule=rule_of_arm(arm["update_rule"], settings["given"]),
        images=images,
        seeds=settings["seeds"],
        learning_rates=settings["learning_rates"],
        batch_size=settings["batch_size"],
        evaluation_examples=settings["evaluation_examples"],
        curve_window=settings["curve_window"],
        snapshot_steps=settings["snapshot_steps"],
        **_in_steps(settings, len(images.train_labels)),
    )
    drawn = (build_random(architecture, seed) for _, seed in training.members)
    state = from_data(kept) if kept else start(stack(drawn))
    state = train(training, state, lambda reached: keep(as_data(reached)), say)
    table = pd.DataFrame(state.rows).assign(**arm)
    return Trained(table, _members_at(best_learning_rate(table), training, state.snapshots))


def measure_arm(table: str, **settings: Any) -> tuple[dict[str, pd.DataFrame], dict[int, Parameters]]:
    """`train_arm` as a study's `measure`: the rows of its table, and the best rate's members."""
    given = {key: settings.pop(key) for key in ("arm", "images", "kept", "keep", "say")}
    trained = train_arm(settings=settings, **given)
    return {table: trained.table}, trained.snapshots


def _in_steps(settings: Mapping[str, Any], examples: int) -> dict[str, Any]:
    """The epochs in steps, and the evaluations of each epoch, evenly spaced, one at its end."""
    per_epoch, evaluations = examples // settings["batch_size"], settings["evaluations_per_epoch"]
    steps = settings["epochs"] * per_epoch
    evaluated = [
        step
        for step in range(1, steps + 1)
        if step * evaluations // per_epoch > (step - 1) * evaluations // per_epoch
    ]
    return {"steps": steps, "evaluation_steps": evaluated}


def _members_at(
    learning_rate: float, training: Training, snapshots: dict[int, Parameters]
) -> dict[int, Parameters]:
    places = [place for place, (rate, _) in enumerate(training.members) if rate == learning_rate]
    return {
        step: {name: value[places].clone() for name, value in parameters.items()}
        for step, parameters in snapshots.items()
    }
