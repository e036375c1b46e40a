"""The choice of an arm's learning rate."""

import numpy as np
import pandas as pd


def best_learning_rate(training: pd.DataFrame) -> float:
    """The learning rate with the lowest training loss at the last step, averaged over seeds.

    A diverged loss counts as infinite, so a rate with a diverged seed is chosen only if every rate has one.

    Args:
        training: one arm's rows of the `training` table: one network, depth and update rule.
    """
    final = training[(training["quantity"] == "train_loss") & (training["step"] == training["step"].max())]
    losses = final["value"].fillna(np.inf).groupby(final["learning_rate"]).mean()
    return float(losses.index[losses.to_numpy().argmin()])
