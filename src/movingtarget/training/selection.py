"""The choice of an arm's learning rate."""

import numpy as np
import pandas as pd


def best_learning_rate(training: pd.DataFrame) -> float:
    """The learning rate with the lowest training loss at the last step, averaged over seeds.

    A diverged loss counts as infinite, so a rate with a diverged seed is chosen only if every rate has one.

    Args:
        training: one arm's rows of a table of training, such as those of one network, depth and update rule;
            the loss stands in a column train_loss or, by that name, among the quantities.
    """
    final = training[training["step"] == training["step"].max()]
    if "quantity" in final:
        final = final[final["quantity"] == "train_loss"].rename(columns={"value": "train_loss"})
    losses = final["train_loss"].fillna(np.inf).groupby(final["learning_rate"]).mean()
    return float(losses.index[losses.to_numpy().argmin()])
