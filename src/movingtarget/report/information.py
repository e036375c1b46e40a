"""What the report says of mutual information beside the claims: estimates beside known truths."""

import pandas as pd

from movingtarget.estimators import ESTIMATORS
from movingtarget.report import prose
from movingtarget.statistics.rows import where


def accuracy_table(estimator_accuracy: pd.DataFrame, noise: float) -> pd.DataFrame:
    """A row of the truth and one for each estimator, at the largest dimension and one size of the noise.

    Args:
        estimator_accuracy: table of that name.
        noise: one of its sizes.

    Returns:
        Columns estimator and, for each task, as text in nats, the mean over seeds, with a remark where an
        estimate is saturated in a seed at least; "left out" for an estimator that has no part in a task.
    """
    rows = where(estimator_accuracy, dimension=estimator_accuracy["dimension"].max(), noise=noise)
    tasks = [*rows["task"].unique()]
    truths = {task: _nats(where(rows, task=task)["truth"].iloc[0]) for task in tasks}
    return pd.DataFrame(
        [{"estimator": "truth", **truths}]
        + [
            {"estimator": estimator.title}
            | {task: _mean(where(rows, task=task, estimator=name)) for task in tasks}
            for name, estimator in ESTIMATORS.items()
            if name in set(rows["estimator"])
        ]
    )


def _mean(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "left out"
    return _nats(rows["value"].mean()) + (" (saturated)" if rows["saturated"].any() else "")


def _nats(value: float) -> str:
    """With one digit after the point, for seeds differ in the next, and no sign of a zero."""
    return f"{round(value, 1) + 0.0:.1f}".replace("-", prose.MINUS)
