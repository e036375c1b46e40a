"""The figure of update orders at their costs."""

from itertools import pairwise

import numpy as np
import pytest
from drawing_cases import title_of, xy
from matplotlib.colors import to_hex

from movingtarget.figures.update_orders import DRAWN, draw
from movingtarget.statistics.rows import where
from movingtarget.update_orders import UPDATE_ORDERS


def drawn(axes, order):
    """The curve of an order."""
    look = UPDATE_ORDERS[order].look
    lines = [
        line
        for line in axes.lines
        if to_hex(line.get_color()) == look["color"].lower() and line.get_marker() == look["marker"]
    ]
    return lines[0] if lines else None


def names(axes):
    return [text.get_text() for text in axes.texts]


def test_a_row_for_each_regime_and_a_column_for_each_network_the_last_with_names(update_orders):
    axes = draw(update_orders()).axes
    assert [panel.get_title(loc="left") for panel in axes] == [
        *("(a) plain", "(b) batch norm"),
        *("(c) plain", "(d) batch norm"),
    ]
    assert [panel.get_ylabel() for panel in axes[::2]] == [
        "full batch\nloss (nats)",
        "a minibatch\na step\nloss (nats)",
    ]
    assert [panel.get_xlabel() for panel in axes] == [""] * 2 + ["cost (GFLOP)"] * 2
    assert {panel.get_xscale() for panel in axes} == {panel.get_yscale() for panel in axes} == {"log"}
    assert [sorted(names(panel)) for panel in axes] == [[], ["forward sweep", "simultaneous"]] * 2


def test_a_curve_is_the_mean_loss_against_cost_and_simultaneous_updates_go_on(update_orders):
    table = update_orders()
    axes = draw(table).axes
    for panel, regime, network in [(axes[0], "full-batch", "plain"), (axes[3], "minibatch", "batch-norm")]:
        for order, budget, end in [("forward", "sweep", 40), ("simultaneous", "long-flop", 120)]:
            rows = where(table, regime=regime, network=network, order=order, budget=budget)
            losses = rows[rows["step"] > 0].groupby("step")["train_loss"].mean()
            line = drawn(panel, order)
            cost = 6 if order == "forward" else 2
            np.testing.assert_allclose(xy(line).x, cost * losses.index)
            np.testing.assert_allclose(xy(line).y, losses)
            assert losses.index[-1] == end


@pytest.mark.parametrize(("regime", "sweep"), [("minibatch", "forward"), ("fresh", "fresh")])
def test_a_thin_line_stands_where_the_sweeps_end(update_orders, regime, sweep):
    table = update_orders(orders=["simultaneous", sweep, "repeated"], networks=["plain"], regimes=[regime])
    (axes,) = draw(table).axes
    np.testing.assert_allclose(xy(axes.lines[0]).x, [240, 240])


def test_only_orders_that_the_question_is_about_are_drawn(update_orders):
    table = update_orders(orders=[*UPDATE_ORDERS], networks=["plain"], regimes=["minibatch"])
    (axes,) = draw(table).axes
    assert sorted(names(axes)) == sorted(UPDATE_ORDERS[order].title for order in DRAWN)
    assert drawn(axes, "muon") is None


def test_a_diverged_seed_ends_the_line_under_a_cross_named_in_the_last_column(update_orders):
    table = update_orders(regimes=["minibatch"])
    lost = (table["order"] == "forward") & (table["seed"] == 1) & (table["step"] >= 20)
    table.loc[lost, "train_loss"] = np.nan
    axes = draw(table).axes
    for panel in axes:
        assert np.isfinite(xy(drawn(panel, "forward")).y).tolist() == [True, False, False]
        (cross,) = [line for line in panel.lines if line.get_marker() == "x"]
        assert xy(cross).x == pytest.approx([20 * 6])
    assert "1/3 " in names(axes[0])
    assert "1/3 forward sweep" in names(axes[1])


def test_panels_at_the_default_scale_have_room(update_orders):
    """Of four networks, two of them drawn, in three regimes: nothing runs into each other or out."""
    networks = ["plain", "batch-norm", "residual", "residual-batch-norm"]
    table = update_orders(orders=DRAWN, networks=networks, regimes=["fresh", "minibatch", "full-batch"])
    figure = draw(table)
    figure.draw_without_rendering()
    assert len(figure.axes) == 6
    for axes in figure.axes:
        assert axes.bbox.width > 40
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
        for text in (*axes.texts, title_of(axes)):
            assert 0 <= text.get_window_extent().x0 < text.get_window_extent().x1 <= figure.bbox.width + 1


def test_a_single_seed_and_order(update_orders):
    table = update_orders(
        orders=["simultaneous"], networks=["plain"], regimes=["minibatch"], seeds=1, steps=[0, 4]
    )
    draw(table).draw_without_rendering()
