"""The figure of layers moved alone."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy
from matplotlib.colors import to_rgb

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.layer_alone import LEAST_KEPT, QUANTITIES, draw

NETWORKS, STEPS, LAYERS, SEEDS = ["plain", "residual", "convolutional"], [0, 10, 300], 4, 3


def table_of() -> pd.DataFrame:
    places = product(NETWORKS, STEPS, range(LAYERS + 1), range(SEEDS), QUANTITIES)
    rows = pd.DataFrame(places, columns=["network", "step", "layer", "seed", "quantity"])
    value = (1 + rows["layer"]) * 0.01 * (1 + 0.1 * rows["seed"]) / (1 + rows["step"])
    return rows.assign(value=np.where(rows["quantity"] == "kept", 0.9, value))


@pytest.fixture(scope="module")
def figure():
    return draw(table_of())


def test_a_row_for_two_of_the_networks_and_a_column_for_each_quantity(figure):
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["(a) plain", "(b) plain", "(c) plain", *(f"({x}) convolutional" for x in "def")]
    assert [axes.get_ylabel() for axes in figure.axes] == [*QUANTITIES.values()] * 2


def test_lines_are_means_over_seeds_by_layer_without_the_whole_step(figure):
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == LAYERS]
    assert len(lines) == len(STEPS)
    np.testing.assert_allclose(xy(lines[0]).x, range(1, LAYERS + 1))
    np.testing.assert_allclose(xy(lines[0]).y, np.arange(2, LAYERS + 2) * 0.011)


def test_later_lines_are_darker_and_named_once(figure):
    assert not named(figure.axes[0])
    lines = named(figure.axes[2])
    assert [*lines] == ["step 0", "step 10", "step 300"]
    brightness = [sum(to_rgb(line.get_color())) for line in lines.values()]
    assert brightness == sorted(brightness, reverse=True)
    assert LOOKS["plain"]["color"] != LOOKS["convolutional"]["color"]


def test_what_is_lost_many_times_over_stands_at_the_bound():
    table = table_of()
    lost = (table["quantity"] == "kept") & (table["layer"] == 1)
    figure = draw(table.assign(value=table["value"].where(~lost, -50.0)))
    assert xy(named(figure.axes[2])["step 0"]).y[0] == LEAST_KEPT


def test_a_seed_without_a_value_is_said():
    table = table_of()
    gone = (
        (table["layer"] == 2) & (table["seed"] == 0) & (table["step"] == 10) & (table["network"] == "plain")
    )
    figure = draw(table.assign(value=table["value"].where(~gone)))
    title = figure.axes[0].get_title(loc="left")
    assert "step 10 undefined at layer 2" in title.replace("\n", " ")
