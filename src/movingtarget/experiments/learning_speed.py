"""Experiment: does shattering at initialisation foretell how fast a network learns?"""

import numpy as np
import pandas as pd

from movingtarget.training.selection import best_learning_rate

ARM = ["network", "depth"]


def learning_speed(ladder: pd.DataFrame, shattering: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Table learning_speed: each arm and seed of the ladder at the arm's best rate.

    Args:
        ladder: table depth_ladder.
        shattering: table shattering_in_training, of which step 0 counts.
        threshold: of the minibatch loss (nats), averaged over one window of the curve.

    Returns:
        Correlation and norm of gradients at initialisation, and the first step whose window of minibatch
        losses is at or below the threshold; infinite if none is.
    """
    frames = [_arm_speed(arm, threshold) for _, arm in ladder.groupby(ARM, sort=False)]
    start = shattering[shattering["step"] == 0]
    initial = start.pivot(index=[*ARM, "seed"], columns="quantity", values="value").reset_index()
    return pd.concat(frames).merge(initial[[*ARM, "seed", "correlation", "gradient_norm"]], on=[*ARM, "seed"])


def _arm_speed(arm: pd.DataFrame, threshold: float) -> pd.DataFrame:
    rate = best_learning_rate(arm)
    curve = arm[(arm["quantity"] == "batch_loss") & (arm["learning_rate"] == rate)]
    reached = curve["step"].where(curve["value"] <= threshold, np.inf)
    steps = reached.astype(float).groupby(curve["seed"]).min()
    network, depth = arm[ARM].iloc[0]
    return pd.DataFrame({"seed": steps.index, "steps": steps.to_numpy()}).assign(
        network=network, depth=depth, learning_rate=rate
    )
