"""Rows chosen and divided."""

import numpy as np
import pandas as pd

from movingtarget.statistics.rows import divide, lag_rows, meeting, where

TABLE = pd.DataFrame({"network": ["b", "a", "b"], "beta": [np.nan, 0.1, np.nan], "depth": [2, 2, 3]})


def test_where_needs_all_the_values():
    assert where(TABLE, network="b", depth=2).index.tolist() == [0]
    assert where(TABLE, network="a", depth=3).empty


def test_divide_keeps_rows_without_a_branch_scale_and_the_order_of_appearance():
    parts = divide(TABLE, "network", "beta")
    assert [network for network, _ in parts] == ["b", "a"]
    assert [len(rows) for rows in parts.values()] == [2, 1]


def test_one_column_divides_by_its_values():
    assert [*divide(TABLE, "depth")] == [2, 3]


def test_meeting_takes_any_of_a_list_of_values():
    assert meeting(TABLE, network="b", depth=[2, 7]).index.tolist() == [0]
    assert meeting(TABLE, depth=[3, 2]).equals(TABLE)
    assert meeting(TABLE, network=["c"]).empty


def test_a_row_for_each_seed_and_lag():
    rows = lag_rows([[1.0, 0.5, 0.2], [1.0, 0.6, 0.3]], [4, 7], depth=9, noise="white")
    assert rows.to_dict("list") == {
        "seed": [4, 4, 4, 7, 7, 7],
        "lag": [0, 1, 2, 0, 1, 2],
        "value": [1.0, 0.5, 0.2, 1.0, 0.6, 0.3],
        "depth": [9] * 6,
        "noise": ["white"] * 6,
    }
