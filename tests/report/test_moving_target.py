"""Losses of update orders, gains and predictions on small tables with known answers."""

import itertools
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from movingtarget.report.moving_target import (
    batch_norm_gain,
    orders_table,
)
from movingtarget.report.prose import MINUS

SEEDS = range(5)


def arm(network: str, order: str, losses: dict[float, list[float]], **columns: Any) -> pd.DataFrame:
    """Rows of one network and order: the losses of the five seeds by learning rate."""
    rows = [
        {"learning_rate": rate, "seed": seed, "train_loss": values[seed]}
        for (rate, values), seed in itertools.product(losses.items(), SEEDS)
    ]
    return pd.DataFrame(rows).assign(network=network, order=order, step=10, **columns)


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text.replace(MINUS, "-"))]


def test_an_order_stands_at_its_own_best_rate_under_each_budget():
    budgets = pd.concat(
        arm("plain", "forward", losses, budget=budget)
        for budget, losses in {
            "sweep": {0.1: [0.5] * 5, 1.0: [0.4, 0.4, 0.4, 0.4, math.nan]},
            "gradient": {0.1: [0.9] * 5, 1.0: [0.7] * 5},
            "flop": {0.1: [0.8] * 5, 1.0: [0.75] * 5},
            "second": {0.1: [0.6] * 5, 1.0: [math.nan] * 5},
        }.items()
    )
    rates = pd.DataFrame({"network": "plain", "order": "forward", "seed": SEEDS, "value": [0.1] * 4 + [0.6]})
    (row,) = orders_table(budgets, rates).to_dict("records")
    assert row["learning_rate"] == "0.1"
    # resamples without the diverged member stand at the other rate
    assert numbers(row["sweep"]) == [0.5, 0.4, 0.5]
    assert [row["gradient"], row["flop"], row["second"]] == ["0.700", "0.750", "0.600"]
    assert row["stable"] == "0.2"
    assert row["diverged"] == "1 of 10"


def test_the_gain_of_batch_norm_is_at_each_arms_best_rate_and_paired_by_seed():
    drift = np.arange(5.0)  # common to all arms of a seed, so every gain is exact

    def rows(network: str, order: str, loss: float) -> pd.DataFrame:
        return arm(network, order, {0.1: list(loss + drift), 1.0: [math.nan] * 5})

    table = pd.concat(
        [
            rows("plain", "simultaneous", 2.0),
            rows("batch-norm", "simultaneous", 1.5),
            rows("plain", "forward", 1.25),
            rows("batch-norm", "forward", 1.75),
        ]
    )
    early = table.assign(step=0, train_loss=9.0)
    gain = batch_norm_gain(pd.concat([early, table]))
    assert numbers(gain["simultaneous"]) == pytest.approx([0.5] * 3)
    assert numbers(gain["forward"]) == pytest.approx([-0.5] * 3)
    assert gain["fresh"] == "undefined"
    assert numbers(gain["plain"]) == pytest.approx([-0.75] * 3)
    assert numbers(gain["batch-norm"]) == pytest.approx([0.25] * 3)
