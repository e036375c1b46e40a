"""Experiment: how families of networks train, each arm at its own best learning rate."""

from typing import Any

import pandas as pd

from movingtarget.arms import CURVES, SETTINGS, training_jobs
from movingtarget.networks.stack import Parameters
from movingtarget.study import Study
from movingtarget.training.arms import train_arm

STUDY = Study(
    rule="train_training",
    settings=SETTINGS,
    tables={"training": CURVES},
    jobs=lambda config: training_jobs("training", config),
    images=True,
    keeps_members=True,
    resumable=True,
)


def measure(**settings: Any) -> tuple[dict[str, pd.DataFrame], dict[int, Parameters]]:
    """Rows of table training of one arm, and its best rate's members; see `train_arm`."""
    given = {key: settings.pop(key) for key in ("arm", "images", "kept", "keep", "say")}
    trained = train_arm(settings=settings, **given)
    return {"training": trained.table}, trained.snapshots
