"""Training of one arm: every seed and learning rate of a family at a depth under an update rule."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from movingtarget.data.load import Images
from movingtarget.networks import Architecture, Parameters, build, build_random
from movingtarget.training.by_name import rule_of_arm
from movingtarget.training.loop import Training
from movingtarget.training.tuned import Tuned, train_tuned
from movingtarget.training.tuning import search_rows


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
) -> Tuned:
    """Search for an arm's learning rate, and train the tested seeds at it.

    Args:
        arm: its network, depth and update_rule.
        images: the data.
        settings: of a study of arms, and what the update rule is given.
        kept: what an interrupted training kept last.
        keep: called with data to go on from.
        say: called with lines of progress.
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
        **_in_steps(settings, len(images.train_labels)),
    )
    return train_tuned(
        training, partial(build_random, architecture), settings["tuning_seeds"], kept, keep, say
    )


def measure_arm(table: str, **settings: Any) -> tuple[dict[str, pd.DataFrame], dict[int, Parameters]]:
    """`train_arm` as a study's `measure`: the rows of its tables, and the tested members by step."""
    given = {key: settings.pop(key) for key in ("arm", "images", "kept", "keep", "say")}
    tuned = train_arm(settings=settings, **given)
    arm = given["arm"]
    tables = {
        table: tuned.table.assign(**arm),
        f"{table}_search": search_rows(tuned.search, settings["tuning_seeds"], **arm),
    }
    return tables, tuned.snapshots


def _in_steps(settings: Mapping[str, Any], examples: int) -> dict[str, Any]:
    """The epochs in steps; when members are scored, at the start and evenly in each epoch, and kept."""
    per_epoch, evaluations = examples // settings["batch_size"], settings["evaluations_per_epoch"]
    steps = settings["epochs"] * per_epoch
    evaluated = [
        step
        for step in range(steps + 1)
        if step * evaluations // per_epoch > (step - 1) * evaluations // per_epoch
    ]
    snapshots = [*range(0, steps + 1, per_epoch), *settings["snapshot_steps"]]
    return {"steps": steps, "evaluation_steps": evaluated, "snapshot_steps": snapshots}
