"""The choice of an arm's learning rate."""

import numpy as np
import pandas as pd
import pytest

from movingtarget.statistics.best_rate import best_learning_rate

Losses = dict[float, list[float]]


def rows_of(losses: Losses, step: int = 9) -> pd.DataFrame:
    """Final training losses of two or more seeds at each rate."""
    return pd.DataFrame(
        [
            {"learning_rate": rate, "seed": seed, "step": step, "quantity": "train_loss", "value": value}
            for rate, values in losses.items()
            for seed, value in enumerate(values)
        ]
    )


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        ({0.1: [1.0, 1.2], 0.3: [0.9, 1.1]}, 0.3),
        ({0.1: [1.0, 1.2], 0.3: [0.1, np.nan]}, 0.1),  # one diverged seed rules a rate out
        ({0.1: [1.0, np.inf], 0.3: [2.0, 2.0]}, 0.3),
        ({0.1: [np.nan, np.nan], 0.3: [1.0, np.nan]}, 0.1),  # nothing left to choose by: the smallest
    ],
)
def test_lowest_mean_loss_wins_and_divergence_loses(losses: Losses, best: float) -> None:
    assert best_learning_rate(rows_of(losses)) == best


def test_only_the_training_loss_of_the_last_step_counts() -> None:
    last = rows_of({0.1: [1.0, 1.0], 0.3: [2.0, 2.0]})
    earlier = rows_of({0.1: [9.0, 9.0], 0.3: [0.0, 0.0]}, step=3)
    other = last.assign(quantity="test_loss", value=-last["value"])
    assert best_learning_rate(pd.concat([earlier, other, last])) == 0.1


def test_the_loss_may_have_a_column_of_its_own() -> None:
    last = rows_of({0.1: [1.0, 1.0], 0.3: [0.0, np.nan], 1.0: [2.0, 2.0]})
    earlier = rows_of({0.1: [9.0, 9.0], 0.3: [0.0, 0.0], 1.0: [0.0, 0.0]}, step=3)
    wide = pd.concat([earlier, last]).rename(columns={"value": "train_loss"}).drop(columns="quantity")
    assert best_learning_rate(wide) == 0.1
