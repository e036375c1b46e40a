"""What the report says of promises, on a small table with known answers."""

import math

import pandas as pd
import pytest

from movingtarget.report.moving_target import counter_example, promises_table

SEEDS = range(5)


def test_the_counter_example_gains_more_than_its_ratio() -> None:
    found = {name: float(value) for name, value in counter_example().items()}
    assert found == pytest.approx(
        {"ratio": 1.309, "simultaneous": 1.528, "sweep": 3, "gain": 1.963}, rel=5e-3
    )


def test_promises_stand_at_both_ends_and_at_the_best_rate():
    rows = [
        {"step": step, "rate": rate, "promise": promise, "seed": seed, "quantity": quantity, "value": value}
        for seed in SEEDS
        for step, rate, promise, quantity, value in [
            (0, "matched", 0.1, "joint_share", 0.9),
            (0, "matched", 1.0, "joint_share", 0.2),
            (20, "matched", 0.1, "joint_share", 0.7),
            (20, "matched", 0.1, "shift_cosine", 0.6),
            (0, "best", math.nan, "joint_share", -9.0),
            (20, "best", math.nan, "joint_share", 0.3),
            (20, "best", math.nan, "promise", 1.5),
        ]
    ]
    table = pd.DataFrame(rows).assign(network="batch-norm", depth=8, layer=0)
    other = table.assign(layer=1, value=5.0)
    search = pd.DataFrame(
        {
            "network": "batch-norm",
            "depth": 8,
            "learning_rate": [0.1, 0.225],
            "place": ["tried", "best at an edge"],
        }
    )
    (row,) = promises_table(pd.concat([table, other]), search).to_dict("records")
    assert row == {
        "network": "batch norm",
        "depth": 8,
        "start": "0.90",
        "trained": "0.70",
        "cosine": "0.60",
        "best_promise": "1.5",
        "best_kept": "0.30",
        "rate": "0.225 (at an edge)",
    }
