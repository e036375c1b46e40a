"""Experiment: does shattering at initialisation foretell how fast a network learns?"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from movingtarget.settings import FAMILY, POSITIVE, names_of
from movingtarget.study import Study, one_job
from movingtarget.tables import MEASURED

STUDY = Study(
    rule="measure_learning_speed",
    settings={"threshold": POSITIVE},
    tables={
        "learning_speed": {
            "network": names_of(FAMILY),
            "depth": int,
            "seed": int,
            "learning_rate": float,
            "correlation": MEASURED,
            "gradient_norm": MEASURED,
            "steps": MEASURED,
        }
    },
    jobs=one_job("learning_speed"),
    reads=("depth_ladder", "shattering_in_training"),
)

ARM = ["network", "depth"]


def measure(
    depth_ladder: pd.DataFrame,
    shattering_in_training: pd.DataFrame,
    threshold: float,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table learning_speed: each arm and seed of the ladder at the arm's best rate.

    Args:
        depth_ladder: that table.
        shattering_in_training: that table, of which step 0 counts.
        threshold: of the minibatch loss (nats), averaged over one window of the curve.
        say: told of nothing.

    Returns:
        Correlation and norm of gradients at initialisation, and the first step whose window of minibatch
        losses is at or below the threshold; infinite if none is.
    """
    frames = [_arm_speed(arm, threshold) for _, arm in depth_ladder.groupby(ARM, sort=False)]
    start = shattering_in_training[shattering_in_training["step"] == 0]
    initial = start.pivot(index=[*ARM, "seed"], columns="quantity", values="value").reset_index()
    measured = initial[[*ARM, "seed", "correlation", "gradient_norm"]]
    return {"learning_speed": pd.concat(frames).merge(measured, on=[*ARM, "seed"])}


def _arm_speed(arm: pd.DataFrame, threshold: float) -> pd.DataFrame:
    curve = arm[arm["quantity"] == "batch_loss"]
    reached = curve["step"].where(curve["value"] <= threshold, np.inf)
    steps = reached.astype(float).groupby(curve["seed"]).min()
    network, depth = arm[ARM].iloc[0]
    return pd.DataFrame({"seed": steps.index, "steps": steps.to_numpy()}).assign(
        network=network, depth=depth, learning_rate=arm["learning_rate"].iloc[0]
    )
