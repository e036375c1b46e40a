"""The figure of rates and stages of their own for the layers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, xy

from movingtarget.experiments.remedies import ORDERS
from movingtarget.figures.update_remedies import draw

NETWORKS = [("plain", "relu"), ("plain", "sigmoid")]


def remedies(networks: Sequence[tuple[str, str]] = NETWORKS, seeds: int = 3) -> pd.DataFrame:
    columns = {"arm": networks, "order": ORDERS, "seed": range(seeds), "step": [0, 10, 20]}
    frame = crossed(columns)
    frame = frame.assign(network=frame["arm"].str[0], activation=frame["arm"].str[1])
    return frame.assign(flops=2e9 * frame["step"], train_loss=frame["value"]).drop(columns=["arm", "value"])


def ends(axes) -> dict[float, float]:
    """Where the marker in each row stands, by its height."""
    markers = [line for line in axes.lines if line.get_linestyle() == "None"]
    return {float(xy(line).y[0]): float(xy(line).x[0]) for line in markers}


def test_a_column_for_each_network_and_a_row_for_each_order() -> None:
    axes = draw(remedies()).axes
    assert [one.get_title(loc="left") for one in axes] == ["(a) plain, relu", "(b) plain, sigmoid"]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "simultaneous",
        "smaller early rates",
        "smaller late rates",
        "LARS",
        "freeze in order",
        "greedy",
        "simultaneous, longer",
    ]
    assert {one.get_xscale() for one in axes} == {"log"}


def test_markers_are_means_of_the_last_loss_and_a_line_stands_at_simultaneous_updates() -> None:
    table = remedies(NETWORKS[:1])
    (axes,) = draw(table).axes
    last = table[table["step"] == 20].groupby("order", sort=False)["train_loss"].mean()
    assert ends(axes) == pytest.approx(dict(enumerate(last)))
    assert xy(axes.lines[0]).x == pytest.approx([last["simultaneous"]] * 2)


def test_an_order_that_a_network_was_not_trained_by_has_an_empty_row() -> None:
    table = remedies()
    table = table[(table["activation"] == "relu") | table["order"].isin(["simultaneous", "greedy"])]
    assert sorted(ends(draw(table).axes[1])) == [0, 5]


def test_seeds_that_diverge_are_counted() -> None:
    table = remedies(NETWORKS[:1])
    lost = (table["order"] == "lars") & (table["seed"] < 2) & (table["step"] == 20)
    table.loc[lost, "train_loss"] = np.nan
    (axes,) = draw(table).axes
    assert [text.get_text() for text in axes.texts] == ["x 2/3"]
    assert 3 not in ends(axes)


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_can_be_drawn(seeds: int) -> None:
    draw(remedies(seeds=seeds))
