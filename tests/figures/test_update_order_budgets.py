"""The figure of losses at equal budgets."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex

from movingtarget.figures.update_order_budgets import BUDGETS, draw
from movingtarget.statistics.rows import where


def table(networks=("plain", "batch-norm"), orders=("forward", "simultaneous"), seeds=3):
    """A loss of its own for each order, budget, rate and seed, rate 0.3 the worse but for FLOPs."""
    columns = ["network", "order", "budget", "learning_rate", "seed"]
    rows = pd.DataFrame(product(networks, orders, BUDGETS, [0.1, 0.3], range(seeds)), columns=columns)
    worse = (rows["learning_rate"] == 0.3) != (rows["budget"] == "flop")
    loss = np.random.default_rng(0).uniform(0.5, 0.6, len(rows)) * np.where(worse, 3, 1)
    return rows.assign(step=7, train_loss=loss, test_accuracy=0.5)


def marker(axes, budget, height):
    """The marker of a budget in the row at this height."""
    look = BUDGETS[budget][1]
    (found,) = [
        line
        for line in axes.lines
        if line.get_marker() == look["marker"] and abs(xy(line).y[0] - height) < 0.5
    ]
    assert to_hex(found.get_color()) == look["color"].lower()
    return found


def test_a_row_for_each_order_and_a_marker_for_each_budget_at_its_own_best_rate():
    losses = table()
    figure = draw(losses)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["(a) plain", "(b) batch norm"]
    first = figure.axes[0]
    assert [text.get_text() for text in first.get_yticklabels()] == ["simultaneous", "forward sweep"]
    assert first.get_ylim()[0] > first.get_ylim()[1]
    for axes, network in zip(figure.axes, ["plain", "batch-norm"], strict=True):
        for height, order in enumerate(["simultaneous", "forward"]):
            heights = []
            for budget in BUDGETS:
                rate = 0.3 if budget == "flop" else 0.1
                rows = where(losses, network=network, order=order, budget=budget, learning_rate=rate)
                found = marker(axes, budget, height)
                assert xy(found).x == pytest.approx([rows["train_loss"].mean()])
                heights.append(xy(found).y[0])
            assert heights == sorted(set(heights))


def test_bars_are_intervals_over_seeds():
    losses = table(networks=["plain"])
    (axes,) = draw(losses).axes
    bars = [line for line in axes.lines if line.get_linewidth() == 0.8]
    assert len(bars) == 2 * len(BUDGETS)
    rows = where(losses, order="simultaneous", budget="sweep", learning_rate=0.1)["train_loss"]
    low, high = xy(bars[0]).x
    assert rows.min() <= low < rows.mean() < high <= rows.max()


def test_a_thin_line_stands_at_simultaneous_updates():
    losses = table()
    for axes, network in zip(draw(losses).axes, ["plain", "batch-norm"], strict=True):
        rows = where(losses, network=network, order="simultaneous", budget="sweep", learning_rate=0.1)
        assert xy(axes.lines[0]).x == pytest.approx([rows["train_loss"].mean()] * 2)


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_an_order_that_diverges_at_every_rate_has_a_cross_at_the_edge_and_a_count(loss):
    losses = table(networks=["plain"])
    lost = (losses["order"] == "forward") & (losses["budget"] == "second") & (losses["seed"] < 2)
    losses.loc[lost, "train_loss"] = loss
    (axes,) = draw(losses).axes
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert xy(cross).x.tolist() == [1]
    assert cross.get_transform() == axes.get_yaxis_transform()
    assert 0.5 < xy(cross).y[0] < 1.5
    assert [text.get_text() for text in axes.texts] == ["2/3"]
    with pytest.raises(ValueError, match="unpack"):
        marker(axes, "second", 1)


def test_markers_are_explained_above_the_panels():
    (legend,) = draw(table()).legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "steps",
        "gradient evaluations",
        "FLOPs",
        "seconds",
    ]


@pytest.mark.parametrize("loss", [0.5, np.nan])
def test_a_single_seed_and_order(loss):
    figure = draw(table(networks=["plain"], orders=["simultaneous"], seeds=1).assign(train_loss=loss))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_xlabel() == "training loss (nats)"
