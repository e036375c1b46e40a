"""The figure of degradation."""

from typing import Any

import numpy as np
import pytest
from drawing_cases import crossed, named, xy

from movingtarget.figures.degradation import draw

NETWORKS = ["plain", "batch-norm", "residual"]


@pytest.fixture
def table():
    arms: dict[str, list[Any]] = {
        "network": NETWORKS,
        "depth": [24, 10],
        "quantity": ["train_error", "lowest_error"],
    }
    return crossed({**arms, "seed": range(3), "step": [0, 20, 40]})


@pytest.fixture
def searched():
    frame = crossed(
        {"network": NETWORKS, "depth": [10, 24], "learning_rate": [0.01, 0.1], "seed": [100]},
    )
    return frame.assign(place=np.where(frame["learning_rate"] == 0.1, "best", "tried"))


def test_curves_are_means_of_the_lowest_error(table, searched):
    for axes, network in zip(draw(table, searched).axes, NETWORKS, strict=True):
        assert [*named(axes)] == ["10 (0.1)", "24 (0.1)"]
        rows = table[(table["network"] == network) & (table["quantity"] == "lowest_error")]
        means = rows[rows["depth"] == 24].groupby("step")["value"].mean()
        np.testing.assert_allclose(xy(named(axes)["24 (0.1)"]), means.reset_index().T)


def test_rates_stand_beside_the_curves_and_an_edge_is_said(table, searched):
    at_edge = (searched["network"] == "residual") & (searched["depth"] == 24) & (searched["place"] == "best")
    searched.loc[at_edge, "place"] = "best at an edge"
    names = [name for axes in draw(table, searched).axes for name in named(axes)]
    assert names == ["10 (0.1)", "24 (0.1)"] * 2 + [
        "10 (0.1)",
        "24 (0.1, at an edge)",
    ]


def test_one_network_one_depth_one_seed(table, searched):
    one = table[(table["network"] == "plain") & (table["depth"] == 10) & (table["seed"] == 0)]
    assert len(draw(one, searched).axes) == 1
