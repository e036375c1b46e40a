"""The figure of losses at equal budgets."""

from itertools import pairwise

import numpy as np
import pytest
from drawing_cases import title_of, xy
from matplotlib.colors import to_hex

from movingtarget.drawing.update_orders import BUDGETS
from movingtarget.figures.update_order_budgets import draw
from movingtarget.statistics.rows import where
from movingtarget.update_orders import UPDATE_ORDERS


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


def test_a_row_for_each_order_and_a_marker_for_each_budget(update_order_budgets):
    losses = update_order_budgets()
    figure = draw(losses)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["(a) plain", "(b) batch norm", "(c) plain", "(d) batch norm"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["full batch", "", "a minibatch\na step", ""]
    assert figure.get_supxlabel() == "training loss (nats)"
    arms = [
        (regime, network) for regime in ("full-batch", "minibatch") for network in ("plain", "batch-norm")
    ]
    for axes, (regime, network) in zip(figure.axes, arms, strict=True):
        assert axes.get_ylim()[0] > axes.get_ylim()[1]
        for height, order in enumerate(["simultaneous", "forward"]):
            heights = []
            for budget in BUDGETS:
                rows = where(losses, regime=regime, network=network, order=order, budget=budget)
                found = marker(axes, budget, height)
                assert xy(found).x == pytest.approx([rows["train_loss"].mean()])
                heights.append(xy(found).y[0])
            assert heights == sorted(set(heights))
    for axes in figure.axes[::2]:
        assert [text.get_text() for text in axes.get_yticklabels()] == ["simultaneous", "forward sweep"]


def test_each_regime_has_rows_for_its_own_orders_of_those_that_the_question_is_about(update_order_budgets):
    losses = update_order_budgets(orders=["simultaneous", "forward", "repeated", "muon", "stale"])
    losses = losses[(losses["order"] != "repeated") | (losses["regime"] == "minibatch")]
    figure = draw(losses)
    full, minibatch = figure.axes[::2]
    assert [text.get_text() for text in full.get_yticklabels()] == ["simultaneous", "forward sweep"]
    assert [text.get_text() for text in minibatch.get_yticklabels()][2:] == ["as many steps"]
    figure.draw_without_rendering()
    assert minibatch.bbox.height == pytest.approx(1.5 * full.bbox.height, rel=0.02)


def test_a_budget_that_an_order_has_not_is_left_out(update_order_budgets):
    losses = update_order_budgets(networks=["plain"], regimes=["minibatch"])
    losses = losses[(losses["order"] != "forward") | (losses["budget"] == "sweep")]
    (axes,) = draw(losses).axes
    marker(axes, "sweep", 1)
    with pytest.raises(ValueError, match="unpack"):
        marker(axes, "long-flop", 1)


def test_bars_are_intervals_over_seeds(update_order_budgets):
    losses = update_order_budgets(networks=["plain"], regimes=["minibatch"], seeds=8)
    (axes,) = draw(losses).axes
    bars = [line for line in axes.lines if line.get_linewidth() == 0.8]
    assert len(bars) == 2 * len(BUDGETS)
    rows = where(losses, order="simultaneous", budget="sweep")["train_loss"]
    low, high = xy(bars[0]).x
    assert low < rows.mean() < high


def test_thin_lines_stand_at_simultaneous_updates(update_order_budgets):
    losses = update_order_budgets(networks=["plain"], regimes=["minibatch"])
    (axes,) = draw(losses).axes
    for line, (budget, (_, look)) in zip(axes.lines, BUDGETS.items(), strict=False):
        rows = where(losses, order="simultaneous", budget=budget)["train_loss"]
        assert xy(line).x == pytest.approx([rows.mean()] * 2)
        assert line.get_color() == look["color"]


@pytest.mark.parametrize("order", ["forward", "simultaneous"])
@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_seeds_that_diverged_are_counted_at_the_edge(update_order_budgets, loss, order):
    losses = update_order_budgets(networks=["plain"], regimes=["minibatch"])
    lost = (losses["order"] == order) & (losses["budget"] == "long-second") & (losses["seed"] < 2)
    losses.loc[lost, "train_loss"] = loss
    (axes,) = draw(losses).axes
    (text,) = axes.texts
    assert text.get_text() == "x 2/3"
    height = int(order == "forward")
    assert height - 0.5 < text.get_position()[1] < height + 0.5
    with pytest.raises(ValueError, match="unpack"):
        marker(axes, "long-second", height)


def test_markers_are_explained_above_the_panels(update_order_budgets):
    (legend,) = draw(update_order_budgets()).legends
    assert [text.get_text() for text in legend.get_texts()] == ["steps", "FLOPs", "seconds"]


def test_panels_at_the_default_scale_have_room(update_order_budgets):
    """Of all orders on four networks: numbers and titles run neither into each other nor out."""
    networks = ["plain", "batch-norm", "residual", "residual-batch-norm"]
    losses = update_order_budgets([*UPDATE_ORDERS], networks, ["full-batch", "minibatch", "fresh"])
    losses["train_loss"] *= 1 + losses["order"].map(len) + 4 * (losses["order"] == "muon")
    figure = draw(losses)
    figure.draw_without_rendering()
    assert len(figure.axes) == 6
    for axes in figure.axes:
        assert axes.bbox.width > 40
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
        assert title_of(axes).get_window_extent().x1 <= figure.bbox.width + 1


@pytest.mark.parametrize("loss", [0.5, np.nan])
def test_a_single_seed_and_order(update_order_budgets, loss):
    table = update_order_budgets(["simultaneous"], ["plain"], ["minibatch"], seeds=1)
    draw(table.assign(train_loss=loss)).draw_without_rendering()
