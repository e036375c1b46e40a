"""The figure of rates and stages of their own for the layers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, named

from movingtarget.experiments.remedies import ORDERS
from movingtarget.figures.update_remedies import draw

NETWORKS = [("plain", "relu"), ("plain", "sigmoid")]


def remedies(networks: Sequence[tuple[str, str]] = NETWORKS, seeds: int = 3) -> pd.DataFrame:
    columns = {"arm": networks, "order": ORDERS, "seed": range(seeds), "step": [0, 10, 20]}
    frame = crossed(columns)
    frame = frame.assign(network=frame["arm"].str[0], activation=frame["arm"].str[1])
    return frame.assign(flops=2e9 * frame["step"], train_loss=frame["value"]).drop(columns=["arm", "value"])


def test_a_row_for_each_network_and_a_line_for_each_order() -> None:
    axes = draw(remedies()).axes
    assert [one.get_title(loc="left") for one in axes[::2]] == ["(a) plain, relu", "(c) plain, sigmoid"]
    for one in axes[1::2]:
        assert [*named(one)] == [
            "simultaneous",
            "smaller early rates",
            "smaller late rates",
            "LARS",
            "freeze in order",
            "greedy",
            "simultaneous, longer",
        ]


def test_lines_are_means_of_the_loss_against_steps_and_cost() -> None:
    table = remedies(NETWORKS[:1])
    costs, steps = draw(table).axes
    of_greedy = table[(table["order"] == "greedy") & (table["step"] > 0)]
    expected = of_greedy.groupby("step")["train_loss"].mean()
    line = named(steps)["greedy"].get_xydata()
    np.testing.assert_allclose(np.asarray(line).T, np.array([[10, 20], expected.to_list()]))
    abscissas = {tuple(np.asarray(one.get_xdata(), dtype=float)) for one in costs.lines}
    assert (20.0, 40.0) in abscissas


def test_seeds_that_diverge_are_counted() -> None:
    table = remedies(NETWORKS[:1])
    lost = (table["order"] == "lars") & (table["seed"] < 2) & (table["step"] == 20)
    table.loc[lost, "train_loss"] = np.nan
    _, steps = draw(table).axes
    assert "2/3 LARS" in [text.get_text() for text in steps.texts]


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_can_be_drawn(seeds: int) -> None:
    draw(remedies(seeds=seeds))
