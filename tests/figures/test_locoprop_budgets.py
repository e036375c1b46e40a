"""The figure of what methods of training an autoencoder reach with the same budget."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, xy
from matplotlib.axes import Axes

from movingtarget.drawing.autoencoders import limits_of
from movingtarget.figures.locoprop_budgets import draw
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import where

SHOWN = ["locoprop-m", "sgd", "adam", "k-fac"]
ROWS = ["first-order", "SGD", "Adam", "second-order", "K-FAC", "layer-wise", "LocoProp-M"]


def budgets(methods: list[str] = SHOWN, seeds: int = 3) -> pd.DataFrame:
    """The last budget dearest; adam below sgd."""
    frame = crossed({"method": methods, "seed": range(seeds), "budget": ["seconds", "flops", "epochs"]})
    loss = 300 + frame["value"] - 50 * (frame["method"] == "adam")
    return frame.assign(train_loss=loss).drop(columns="value")


def marker(axes: Axes, height: int) -> float:
    """Where the marker of a row stands."""
    (line,) = [
        line
        for line in axes.lines
        if len(line.get_xydata()) == 1 and xy(line).y[0] == height and line.get_marker() != "x"  # type: ignore[arg-type]
    ]
    return float(xy(line).x[0])


def names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_methods_stand_below_their_groups_at_their_mean_losses() -> None:
    table = budgets()
    panels = draw(table).axes
    titles = ["(a) as many epochs", "(b) as many FLOPs", "(c) as many seconds"]
    assert [axes.get_title(loc="left") for axes in panels] == titles
    assert names(panels[0]) == ROWS
    for axes, budget in zip(panels, ["epochs", "flops", "seconds"], strict=True):
        for height, name in enumerate(ROWS):
            for method in [key for key in SHOWN if METHODS[key].title == name]:
                losses = where(table, method=method, budget=budget)["train_loss"]
                assert marker(axes, height) == pytest.approx(losses.mean())
        assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_single_seeds_are_within_the_panels_and_no_wider_interval_is() -> None:
    table = budgets()
    assert draw(table).axes[0].get_xlim() == limits_of(table["train_loss"])


def test_lines_stand_at_the_best_of_the_first_and_second_order() -> None:
    table = budgets()
    axes = draw(table).axes[0]
    best = [where(table, method=method, budget="epochs")["train_loss"].mean() for method in ("adam", "k-fac")]
    lines = [line for line in axes.lines if len(set(xy(line).x)) == 1 and xy(line).y.tolist() == [0, 1]]
    assert [xy(line).x[0] for line in lines] == pytest.approx(best)


def test_a_budget_that_a_method_has_not_is_said() -> None:
    table = budgets()
    table = table[(table["method"] != "k-fac") | (table["budget"] != "seconds")]
    panels = draw(table).axes
    assert [[text.get_text() for text in axes.texts] for axes in panels] == [[], [], ["not reached"]]
    assert panels[2].texts[0].get_position()[1] == ROWS.index("K-FAC")


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_seeds_that_diverged_are_a_cross_and_a_count(loss: float) -> None:
    table = budgets()
    table.loc[(table["method"] == "sgd") & (table["seed"] == 0), "train_loss"] = loss
    for axes in draw(table).axes:
        (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
        assert xy(cross).y.tolist() == [1]
        assert [text.get_text() for text in axes.texts] == ["1/3"]


def test_bars_are_intervals_over_seeds() -> None:
    table = budgets(["sgd"], seeds=8)
    bars = [line for line in draw(table).axes[0].lines if xy(line).y.tolist() == [1, 1]]
    low, high = xy(bars[0]).x
    assert low < where(table, budget="epochs")["train_loss"].mean() < high


def test_every_method_there_is_and_a_single_one() -> None:
    assert len(names(draw(budgets([*METHODS])).axes[0])) == len(METHODS) + 3
    draw(budgets(["sgd"], seeds=1)).draw_without_rendering()
