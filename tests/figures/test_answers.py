"""The figure of the three answers: differences stand where they belong, promises in the third panel."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from movingtarget.figures.answers import draw

REGIMES = {"full-batch": "forward", "minibatch": "forward", "fresh": "fresh"}


def budgets() -> pd.DataFrame:
    """One at a time ends lower by 0.5 per FLOP; plain so by 0.25 higher than batch norm together per step."""
    losses = {
        ("long-flop", "plain", False): 1.0,
        ("long-flop", "plain", True): 0.5,
        ("long-flop", "batch-norm", False): 0.75,
        ("long-flop", "batch-norm", True): 1.0,
        ("sweep", "batch-norm", False): 0.5,
        ("sweep", "plain", True): 0.75,
    }
    rows = [
        {"regime": regime, "budget": budget, "network": network, "order": sweep if apart else "simultaneous"}
        | {"seed": seed, "train_loss": loss + 0.01 * seed}
        for regime, sweep in REGIMES.items()
        for (budget, network, apart), loss in losses.items()
        for seed in range(5)
    ]
    return pd.DataFrame(rows)


def promises() -> pd.DataFrame:
    rows = [
        {"network": network, "depth": 8, "step": 10, "layer": 0, "seed": seed, "rate": rate}
        | {"promise": promise, "quantity": quantity, "value": value}
        for network in ("plain", "batch-norm")
        for seed in range(3)
        for rate, promise, quantity, value in [
            ("matched", 0.01, "joint_share", 1.0),
            ("matched", 1.0, "joint_share", -4.0),
            ("best", np.nan, "joint_share", 0.5),
            ("best", np.nan, "promise", 2.0),
        ]
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def axes() -> list[Axes]:
    return draw(budgets(), promises()).axes


def markers(axes: Axes) -> set[tuple[float, float]]:
    found = [line for line in axes.lines if line.get_marker() not in ("None", None)]
    return {(round(float(x), 6), round(float(y))) for line in found for x, y in np.asarray(line.get_xydata())}


def test_differences_at_equal_flops_of_both_networks(axes: list[Axes]):
    assert markers(axes[0]) == {(-0.5, 0), (-0.5, 1), (-0.5, 2), (0.25, 0), (0.25, 1), (0.25, 2)}
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "full batch",
        "a minibatch\na step",
        "a minibatch\na layer",
    ]


def test_plain_one_at_a_time_less_batch_norm_together_after_as_many_steps(axes: list[Axes]):
    assert markers(axes[1]) == {(0.25, 0), (0.25, 1), (0.25, 2)}


def test_promises_are_held_at_zero_and_the_best_rate_stands_apart(axes: list[Axes]):
    assert {(0.01, 1), (1.0, 0)} <= markers(axes[2])
    large = [line for line in axes[2].lines if line.get_markersize() == 8]
    assert [tuple(np.asarray(line.get_xydata())[0]) for line in large] == [(2.0, 0.5)] * 2
