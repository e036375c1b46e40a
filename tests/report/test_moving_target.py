"""Losses of update orders on small tables with known answers."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from movingtarget.report.moving_target import DASH, orders_table
from movingtarget.report.prose import MINUS

SEEDS = range(5)


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text.replace(MINUS, "-"))]


def budget(
    order: str, name: str, losses: list[float], rate: float = 0.1, regime: str = "fresh"
) -> pd.DataFrame:
    """Rows of table update_order_budgets, the losses of the five seeds."""
    arm = {"regime": regime, "network": "batch-norm", "order": order, "budget": name}
    return pd.DataFrame({"seed": SEEDS, "train_loss": losses}).assign(**arm, learning_rate=rate)


def test_an_order_has_a_loss_for_each_budget_and_the_rate_of_equal_steps():
    budgets = pd.concat(
        [
            budget("forward", "long-flop", [0.7] * 5, rate=0.7),
            budget("forward", "flop", [9.0] * 5, rate=0.9),
            budget("forward", "sweep", [0.3, 0.4, 0.5, 0.6, 0.7], rate=0.12345),
            budget("forward", "long-second", [0.6, math.nan, 0.6, 0.6, 0.6]),
            budget("round-robin", "sweep", [0.2] * 5),
        ]
    )
    stable = pd.DataFrame({"regime": "fresh", "network": "batch-norm", "order": "forward", "seed": range(3)})
    forward, turns = orders_table(budgets, stable.assign(value=[0.6, 0.2, 0.4])).to_dict("records")
    assert forward["regime"] == "fresh"
    assert (forward["network"], forward["order"]) == ("batch norm", "forward sweep")
    assert forward["learning_rate"] == "0.123"
    assert numbers(forward["sweep"])[0] == pytest.approx(0.5)
    low, high = numbers(forward["sweep"])[1:]
    assert low < 0.5 < high
    assert numbers(forward["long-flop"])[0] == pytest.approx(0.7)
    assert forward["long-second"].startswith("\N{INFINITY}")
    assert forward["stable"] == "0.40"
    assert turns["order"] == "round robin"
    assert [turns[column] for column in ("long-flop", "long-second", "stable")] == [DASH] * 3


def test_regimes_are_kept_apart():
    budgets = pd.concat(
        [
            budget("fresh", "sweep", [loss] * 5, regime=regime)
            for regime, loss in {"fresh": 0.25, "minibatch": 0.75}.items()
        ]
    )
    stable = pd.DataFrame({"regime": "minibatch", "network": "batch-norm", "order": "fresh", "seed": [0]})
    rows = orders_table(budgets, stable.assign(value=np.inf)).to_dict("records")
    assert [numbers(row["sweep"])[0] for row in rows] == [0.25, 0.75]
    assert [row["stable"][0] for row in rows] == [DASH, "\N{INFINITY}"]
