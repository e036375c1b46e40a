"""The figure of learning rates: how they were chosen, and the largest that training bears."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, named, title_of, xy

from movingtarget.figures.update_order_rates import DRAWN, draw
from movingtarget.statistics.rows import where
from movingtarget.update_orders import UPDATE_ORDERS

RATES = (0.03, 0.1, 0.3, 1.0)


def search(orders=("simultaneous", "forward"), networks=("plain",), regimes=("minibatch",), seeds=3):
    """Table update_orders_search, rate 0.1 the best for steps; other budgets have losses of their own."""
    arms = {"regime": regimes, "network": networks, "order": orders, "budget": ["flop", "sweep"]}
    frame = crossed(arms | {"seed": range(100, 100 + seeds), "learning_rate": RATES})
    loss = 1 + np.log(frame["learning_rate"] / 0.1) ** 2 + 0.1 * frame["value"]
    best = frame["learning_rate"] == np.where(frame["budget"] == "sweep", 0.1, 0.3)
    return frame.assign(train_loss=loss, place=np.where(best, "best", "tried")).drop(columns="value")


def stable(values=(0.5, 0.7, 0.9), orders=("simultaneous", "forward"), networks=("plain",)):
    arms = {"regime": ["minibatch"], "network": networks, "order": orders}
    table = crossed(arms | {"seed": range(len(values))})
    return table.assign(value=[*values] * (len(orders) * len(networks)))


def rings(axes):
    return [line for line in axes.lines if line.get_markerfacecolor() == "none"]


def bars(axes):
    """Ends of the bars at the top, and the ticks on them."""
    lines = [line for line in axes.lines if line.get_transform() not in (axes.transData,)]
    whole = [xy(line).x.tolist() for line in lines if line.get_marker() == "None"]
    ticks = [xy(line).x.tolist() for line in lines if line.get_marker() == "|"]
    return whole, ticks


def test_a_curve_is_the_mean_loss_after_as_many_steps_at_every_rate_tried():
    table = search()
    (axes,) = draw(table, stable()).axes
    lines = named(axes)
    assert set(lines) == {"simultaneous", "forward sweep"}
    for order in ("simultaneous", "forward"):
        rows = where(table, order=order, budget="sweep")
        line = lines[UPDATE_ORDERS[order].title]
        np.testing.assert_allclose(xy(line).x, RATES)
        np.testing.assert_allclose(xy(line).y, rows.groupby("learning_rate")["train_loss"].mean())
    assert {axes.get_xscale(), axes.get_yscale()} == {"log"}


@pytest.mark.parametrize("place", ["best", "best at an edge"])
def test_the_best_rate_is_ringed(place):
    table = search(orders=["simultaneous"]).replace({"place": {"best": place}})
    (axes,) = draw(table, stable()).axes
    (ring,) = rings(axes)
    rows = where(table, budget="sweep", learning_rate=0.1)
    np.testing.assert_allclose(ring.get_xydata(), [[0.1, rows["train_loss"].mean()]])


@pytest.mark.parametrize("loss", [np.inf, np.nan])
def test_a_curve_ends_where_a_seed_diverged(loss):
    table = search(orders=["forward"])
    table.loc[(table["learning_rate"] == 1.0) & (table["seed"] == 101), "train_loss"] = loss
    (axes,) = draw(table, stable()).axes
    np.testing.assert_allclose(xy(named(axes)["forward sweep"]).x, RATES[:-1])


def test_bars_span_the_largest_rates_and_a_tick_is_their_median():
    (axes,) = draw(search(), stable((0.5, 0.9, 0.6))).axes
    whole, ticks = bars(axes)
    assert whole == [[0.5, 0.9]] * 2
    assert ticks == [[0.6]] * 2
    heights = [xy(line).y[0] for line in axes.lines if line.get_marker() == "|"]
    assert len(set(heights)) == 2


def test_seeds_that_have_no_largest_rate_are_left_out_of_the_bar():
    (axes,) = draw(search(), stable((0.5, np.inf, np.nan, 0.7))).axes
    assert bars(axes)[0] == [[0.5, 0.7]] * 2
    (axes,) = draw(search(), stable((np.nan, np.inf))).axes
    assert bars(axes) == ([], [])


def test_only_orders_that_the_question_is_about_are_drawn_and_named_once():
    table = search(orders=[*UPDATE_ORDERS], networks=["plain", "batch-norm"])
    first, last = draw(table, stable(networks=["plain", "batch-norm"])).axes
    assert sorted(named(last)) == sorted(UPDATE_ORDERS[order].title for order in DRAWN)
    assert [text.get_text() for text in first.texts] == []
    assert len(rings(first)) == len(DRAWN)


def test_an_order_that_always_diverges_is_not_named():
    table = search()
    table.loc[table["order"] == "forward", "train_loss"] = np.inf
    figure = draw(table, stable())
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["simultaneous"]


def test_panels_at_the_default_scale_have_room():
    """Of four networks, two of them drawn, in three regimes: nothing runs into each other or out."""
    networks = ["plain", "batch-norm", "residual", "residual-batch-norm"]
    table = search(DRAWN, networks, ["full-batch", "minibatch", "fresh"])
    figure = draw(table, stable(networks=networks))
    figure.draw_without_rendering()
    assert len(figure.axes) == 6
    for axes in figure.axes:
        assert axes.bbox.width > 40
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
        for text in (*axes.texts, title_of(axes)):
            assert text.get_window_extent().x1 <= figure.bbox.width + 1


def test_a_single_rate_and_seed():
    table = search(orders=["simultaneous"], seeds=1)
    table = table[table["learning_rate"] == 0.1].assign(place="best at an edge")
    assert isinstance(table, pd.DataFrame)
    draw(table, stable((0.5,))).draw_without_rendering()
