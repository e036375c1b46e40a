"""The choice of an arm's learning rate."""

import numpy as np
import pandas as pd
import pytest

from movingtarget.statistics.best_rate import (
    at_best_rates,
    best_learning_rate,
    loss_matrix,
    mean_at_best_rate,
)

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


def test_each_arm_stands_at_its_own_best_rate() -> None:
    last = {  # of each order and budget, by rate
        ("lars", "flop"): {0.1: 2.0, 0.3: 1.0},
        ("lars", "sweep"): {0.1: 1.0, 0.3: 2.0},
        ("greedy", "flop"): {0.1: 2.0, 0.3: np.nan},
    }
    rows = [
        {"order": order, "budget": budget, "learning_rate": rate, "seed": 0, "step": 9, "train_loss": loss}
        for (order, budget), losses in last.items()
        for rate, loss in losses.items()
    ]
    best = at_best_rates(pd.DataFrame(rows), "order", "budget").set_index(["order", "budget"])
    assert best["learning_rate"].to_dict() == {
        ("lars", "flop"): 0.3,
        ("lars", "sweep"): 0.1,
        ("greedy", "flop"): 0.1,
    }


def test_losses_are_set_out_by_seed_and_rate_and_a_diverged_one_is_infinite() -> None:
    rows = rows_of({0.3: [1.0, np.nan], 0.1: [3.0, 4.0]}).rename(columns={"value": "train_loss"})
    matrix = loss_matrix(rows.iloc[::-1])
    assert matrix.to_numpy().tolist() == [[3.0, 1.0], [4.0, np.inf]]
    assert [*matrix.columns] == [0.1, 0.3]
    assert [*matrix.index] == [0, 1]


def test_each_sample_of_seeds_has_its_own_best_rate() -> None:
    """Of seeds 0 and 1 together the first rate has the lower loss, of seed 1 alone the second."""
    values = np.array([[1.0, 10.0], [2.0, 20.0]])
    losses = np.array([[0.0, 9.0], [5.0, 1.0]])
    samples = np.array([[[0, 1], [1, 1]], [[0, 0], [1, 0]]])
    found = mean_at_best_rate(values, losses, samples)
    assert found.tolist() == [[1.5, 20.0], [1.0, 1.5]]


def test_a_sample_with_a_diverged_seed_avoids_its_rate_if_it_can() -> None:
    values, losses = np.array([[1.0, 10.0], [2.0, 20.0]]), np.array([[np.inf, 9.0], [5.0, 8.0]])
    assert mean_at_best_rate(values, losses, np.array([[0, 1], [1, 1]])).tolist() == [15.0, 2.0]


def test_the_mean_is_over_a_samples_seeds_and_not_over_samples():
    values = np.array([[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]])
    losses = np.array([[0.1, 0.9], [0.1, 0.9], [0.9, 0.1]])
    sample = np.array([[0, 1, 1], [2, 2, 2]])
    assert mean_at_best_rate(values, losses, sample).tolist() == [5 / 3, 60.0]
