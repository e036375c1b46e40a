"""What figures of update orders show together, and where."""

import pandas as pd
import pytest

from movingtarget.drawing.style import LOOKS
from movingtarget.drawing.update_orders import REGIMES, orders_of, regime_panels, regimes_of
from movingtarget.settings import REGIME_ARM, SWEEPS
from movingtarget.statistics.rows import divide
from movingtarget.update_orders import UPDATE_ORDERS


def test_locoprop_looks_as_it_does_beside_families():
    assert UPDATE_ORDERS["locoprop-m"].look == LOOKS["locoprop"]


def test_lines_of_one_figure_differ_without_their_colour():
    assert len({order.look["marker"] for order in UPDATE_ORDERS.values()}) == len(UPDATE_ORDERS)


def test_orders_of_a_group_stand_as_in_the_registry():
    table = pd.DataFrame({"order": [*reversed(UPDATE_ORDERS)]})
    assert orders_of(table, "reference", "repeated") == ["simultaneous", "repeated", "repeated-fresh"]
    assert orders_of(table[table["order"] != "simultaneous"], "reference") == []


def test_regimes_are_named_alike_everywhere():
    assert [*REGIMES] == [*SWEEPS] == [*REGIME_ARM["regime"]]


def test_panels_lie_by_regime_and_network_in_the_order_of_figures():
    pairs = [("fresh", "residual-batch-norm"), ("full-batch", "plain"), ("fresh", "plain")]
    table = pd.DataFrame(pairs, columns=["regime", "network"])
    assert regimes_of(table) == ["full-batch", "fresh"]
    figure, placed = regime_panels(table, row_height=3)
    networks = [*divide(table, "network")]
    assert [*placed] == [(regime, network) for regime in ("full-batch", "fresh") for network in networks]
    assert [*placed.values()] == figure.axes
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["(a) residual, batch norm", "(b) plain", "(c) residual, batch norm", "(d) plain"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["full batch", "", "a minibatch a layer", ""]


def test_the_first_networks_alone_are_shown():
    table = pd.DataFrame({"regime": "fresh", "network": ["plain", "batch-norm", "residual"]})
    _, placed = regime_panels(table, row_height=3)
    assert [network for _, network in placed] == ["plain", "batch-norm"]


@pytest.mark.parametrize("heights", [[1, 2], [3, 1]])
def test_rows_have_the_heights_wanted(heights):
    table = pd.DataFrame({"regime": ["full-batch", "fresh"], "network": "plain"})
    figure, placed = regime_panels(table, row_height=4, heights=heights)
    figure.draw_without_rendering()
    above, below = (axes.bbox.height for axes in placed.values())
    assert above / below == pytest.approx(heights[0] / heights[1], rel=0.01)
