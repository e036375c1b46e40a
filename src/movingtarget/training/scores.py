"""Scores of a training: at which steps they are taken, and their table."""

import pandas as pd

SCORES = ["train_loss", "test_accuracy"]
KEY = ["learning_rate", "seed", "step", "gradient_evaluations", "flops"]


def scores_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Training loss and test accuracy of every member at every evaluation, with what they had cost.

    Args:
        rows: of the training loop, one for each quantity.

    >>> cost = {"learning_rate": 0.1, "seed": 0, "step": 5, "gradient_evaluations": 5.0, "flops": 1e6}
    >>> scores = {"train_loss": 0.5, "test_accuracy": 0.8}
    >>> rows = pd.DataFrame([cost | {"quantity": name, "value": value} for name, value in scores.items()])
    >>> scores_of(rows)[["step", "train_loss", "test_accuracy"]].to_numpy().tolist()
    [[5.0, 0.5, 0.8]]
    """
    scores = rows[rows["quantity"].isin(SCORES)].pivot(index=KEY, columns="quantity", values="value")
    return scores.reset_index().rename_axis(columns=None)


def evenly(steps: int, evaluations: int) -> list[int]:
    """The start, and steps after which so many evaluations fall, evenly spaced, one at the end.

    >>> evenly(10, 4)
    [0, 2, 5, 7, 10]
    """
    return sorted({0} | {max(1, steps * place // evaluations) for place in range(1, evaluations + 1)})
