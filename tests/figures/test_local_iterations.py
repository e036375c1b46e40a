"""The figure of the number of local steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, named, xy

from movingtarget.figures.local_iterations import draw


def ends(methods: list[str], seeds: int = 3) -> pd.DataFrame:
    frame = crossed({"method": methods, "seed": range(seeds), "iterations": [1, 4, 10]})
    return frame.assign(train_loss=200 + frame["value"], learning_rate=0.1).drop(columns="value")


def search(methods: list[str], seeds: int = 2) -> pd.DataFrame:
    """The best rate the middle one."""
    columns: dict[str, Sequence[Any]] = {
        "method": methods,
        "iterations": [1, 4, 10],
        "seed": range(seeds),
        "learning_rate": [1, 10, 100],
    }
    frame = crossed(columns)
    place = np.where(frame["learning_rate"] == 10, "best", "tried")
    return frame.assign(train_loss=200 + frame["value"], place=place).drop(columns="value")


def test_losses_against_the_number_and_the_cost_of_steps() -> None:
    table = ends(["locoprop-m"])
    axes = draw(table, search(["locoprop-m"])).axes[0]
    line = axes.lines[0]
    assert xy(line).x.tolist() == [1, 4, 10]
    np.testing.assert_allclose(xy(line).y, table.groupby("iterations")["train_loss"].mean())
    (above,) = axes.child_axes
    assert [text.get_text() for text in above.get_xticklabels()] == ["1", "3", "7"]
    assert not named(axes)


def test_a_line_for_each_number_with_its_best_rate_ringed() -> None:
    table = search(["locoprop-m"])
    axes = draw(ends(["locoprop-m"]), table).axes[1]
    assert [*named(axes)] == ["T = 1", "T = 4", "T = 10"]
    of_four = table[table["iterations"] == 4].groupby("learning_rate")["train_loss"].mean()
    np.testing.assert_allclose(xy(named(axes)["T = 4"]).y, of_four)
    rings = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert [xy(ring).x[0] for ring in rings] == [10, 10, 10]
    assert xy(rings[1]).y[0] == pytest.approx(of_four[10])


def test_rates_that_diverged_are_crosses_at_the_top() -> None:
    table = search(["locoprop-m"])
    table.loc[(table["learning_rate"] == 100) & (table["iterations"] == 4), "train_loss"] = np.inf
    axes = draw(ends(["locoprop-m"]), table).axes[1]
    crosses = [xy(line) for line in axes.lines if line.get_marker() == "x" and len(xy(line).x)]
    assert [cross.x.tolist() for cross in crosses] == [[100]]
    assert xy(named(axes)["T = 4"]).x.tolist() == [1, 10]


def test_losses_of_both_methods_are_named_and_s_alone_has_no_axis_of_costs() -> None:
    both = ["locoprop-s", "locoprop-m"]
    figure = draw(ends(both), search(both))
    assert [*named(figure.axes[0])] == ["LocoProp-S", "LocoProp-M"]
    assert len(figure.axes) == 3
    alone = draw(ends(["locoprop-s"], seeds=1), search(["locoprop-s"], seeds=1))
    alone.draw_without_rendering()
    assert not alone.axes[0].child_axes
