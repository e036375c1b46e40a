"""The choice of an arm's learning rate: the one with the lowest mean loss."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.statistics.rows import divide, where


def best_learning_rate(training: pd.DataFrame) -> float:
    """The learning rate with the lowest training loss at the last step, averaged over seeds.

    A diverged loss counts as infinite, so a rate with a diverged seed is chosen only if every rate has one.

    Args:
        training: one arm's rows of a table of training, such as those of one network, depth and update rule;
            the loss stands in a column train_loss or, by that name, among the quantities.

    One seed has diverged at the rate 1.0:

    >>> losses = {"learning_rate": [0.1, 0.1, 1.0, 1.0], "train_loss": [0.5, 0.7, 0.2, np.nan]}
    >>> best_learning_rate(pd.DataFrame({"step": 9, "seed": [0, 1, 0, 1], **losses}))
    0.1
    """
    final = training[training["step"] == training["step"].max()]
    if "quantity" in final:
        final = where(final, quantity="train_loss").rename(columns={"value": "train_loss"})
    losses = loss_matrix(final)
    return float(losses.columns.to_numpy()[losses.mean().to_numpy().argmin()])


def loss_matrix(rows: pd.DataFrame) -> pd.DataFrame:
    """Training losses of one arm at one time, seeds by learning rates; infinite where it has diverged.

    >>> losses = {"learning_rate": [0.1, 0.1, 1.0, 1.0], "train_loss": [0.5, 0.7, 0.2, np.nan]}
    >>> loss_matrix(pd.DataFrame({"seed": [0, 1, 0, 1], **losses})).to_numpy().tolist()
    [[0.5, 0.2], [0.7, inf]]
    """
    matrix = rows.pivot(index="seed", columns="learning_rate", values="train_loss")
    return matrix.fillna(np.inf)


def at_best_rates(table: pd.DataFrame, *arm: str) -> pd.DataFrame:
    """The rows of each arm, told apart by the columns named, at its own best learning rate.

    >>> arms = {"order": ["forward", "forward", "lars", "lars"], "learning_rate": [0.1, 1.0, 0.1, 1.0]}
    >>> table = pd.DataFrame({**arms, "step": 9, "seed": 0, "train_loss": [0.5, 0.2, 0.3, 0.4]})
    >>> at_best_rates(table, "order")[["order", "learning_rate"]].to_numpy().tolist()
    [['forward', 1.0], ['lars', 0.1]]
    """
    arms = divide(table, *arm).values()
    return pd.concat([where(rows, learning_rate=best_learning_rate(rows)) for rows in arms])


def mean_at_best_rate(
    values: NDArray[np.float64], losses: NDArray[np.float64], sample: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean over a sample of seeds, at the learning rate whose loss is the lowest in that sample.

    Args:
        values: `(seeds, rates)`, what is measured.
        losses: `(seeds, rates)`, the training loss that chooses the rate.
        sample: `(..., n)` seed numbers.

    Returns:
        `(...)`.

    >>> accuracies, losses = np.array([[0.6, 0.9], [0.8, 0.5]]), np.array([[0.4, 0.1], [0.2, 0.8]])
    >>> samples = np.array([[0, 1], [0, 0]])  # both seeds, and twice the first
    >>> mean_at_best_rate(accuracies, losses, samples).tolist()
    [0.7, 0.9]
    """
    best = losses[sample].mean(-2).argmin(-1)
    return np.take_along_axis(values[sample].mean(-2), best[..., None], -1)[..., 0]
