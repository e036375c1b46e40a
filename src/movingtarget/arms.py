"""What studies of trained arms declare alike: settings, columns and jobs.

An arm is a family at a depth under an update rule. Its learning rate is chosen on seeds of its own; its
members are the tested seeds at that rate.
"""

from collections.abc import Mapping
from typing import Any

from movingtarget import work
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    FAMILY,
    INITIAL_WEIGHTS,
    SEARCH,
    TUNED,
    at_least,
    choice,
    mapping,
    names_of,
    of_test_images,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.study import Config, Job, Settings, SettingSchema, Study
from movingtarget.tables import MEASURED, Column, Kind, follows
from movingtarget.update_orders import ARM_RULES, UPDATE_ORDERS, step_of_order
from movingtarget.work import Data, Work

SETTINGS: dict[str, SettingSchema] = {
    **TUNED,
    "hidden_width": COUNT,
    "activation": ACTIVATION,
    "initial_weights": INITIAL_WEIGHTS,
    "batch_size": of_training_images(2),
    "epochs": COUNT,
    "evaluations_per_epoch": COUNT,
    "evaluation_examples": {**of_training_images(2), **of_test_images(2)},
    "curve_window": COUNT,
    "snapshot_steps": {"type": "array", "uniqueItems": True, "items": COUNT},
    "arms": several(
        mapping({"network": FAMILY, "depth": at_least(2), "update_rule": choice(*ARM_RULES)}),
    ),
}
"""Of a study that trains arms."""

ARM: dict[str, Kind | Column] = {"network": names_of(FAMILY), "depth": int, "update_rule": tuple(ARM_RULES)}
"""Columns that name an arm."""

CURVES: dict[str, Kind | Column] = {
    **ARM,
    "learning_rate": float,
    "seed": int,
    "step": int,
    "gradient_evaluations": follows(float),
    "flops": follows(float),
    "quantity": ("batch_loss", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "diverged"),
    "value": MEASURED,
}
"""Columns of a table of training curves."""


def training_study(name: str, rule: str) -> Study:
    """A study that trains the arms of its section of the config, which is called as its table is."""
    return Study(
        rule=rule,
        settings=SETTINGS,
        tables={name: CURVES, f"{name}_search": {**ARM, **SEARCH}},
        jobs=lambda config: training_jobs(name, config),
        images=True,
        accelerated=True,
        keeps_members=True,
        resumable=True,
        problems=problems_of_seeds(name),
        work=training_counted,
    )


def training_counted(config: Config, settings: Settings, data: Data) -> Work:
    """The search and the tested seeds of an arm."""
    arm, size = settings["arm"], settings["batch_size"]
    width, depth = settings["hidden_width"], arm["depth"]
    network = work.perceptron(arm["network"], data.pixels, width, depth, data.classes)
    order = ARM_RULES[arm["update_rule"]]
    return work.tuned(
        settings,
        settings["epochs"] * (data.training_images // size),
        lambda members: step_of_order(order, network, members, size),
        settings["epochs"] * settings["evaluations_per_epoch"] + 1,
        work.scored(network, settings["evaluation_examples"]),
    )


def training_jobs(section: str, config: Config) -> list[Job]:
    """A job for each arm of a study that trains them."""
    shared = {key: value for key, value in config[section].items() if key != "arms"}
    return [_job(arm, shared | {"given": _given(arm, config)}) for arm in config[section]["arms"]]


def measuring_jobs(section: str, trained: str, config: Config) -> list[Job]:
    """A job for each arm of another study that was trained by gradient descent."""
    shared = {key: config[trained][key] for key in ("seeds", "hidden_width", "activation")}
    settings = shared | config[section]
    return [_job(arm, settings) for arm in config[trained]["arms"] if arm["update_rule"] == "sgd"]


def _job(arm: Mapping[str, Any], settings: Mapping[str, Any]) -> Job:
    name = "{network}-{depth}-{update_rule}".format(**arm)
    return Job(name, {"arm": arm, **settings}, (arm["network"],), (ARM_RULES[arm["update_rule"]],))


def _given(arm: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """Those settings of LocoProp that the arm's update rule is made with."""
    wanted = UPDATE_ORDERS[ARM_RULES[arm["update_rule"]]].given
    return {key: value for key, value in config["locoprop"].items() if key in wanted}
