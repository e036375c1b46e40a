"""Rows of a figure: means at a height, few ticks."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.figure import Figure

from movingtarget.drawing.rows import draw_mean, few_ticks, thin_out_ticks

LOOK = {"color": "#332288", "marker": "^", "linestyle": "-"}


def panel():
    return Figure().subplots()


def test_a_mean_stands_on_its_interval_in_its_row():
    axes = panel()
    values = pd.Series([0.9, 1.0, 1.1, 1.2])
    draw_mean(axes, values, 2, LOOK)
    bar, marker = axes.lines
    assert xy(bar).x[0] < values.mean() < xy(bar).x[1]
    assert xy(marker).x == pytest.approx([values.mean()])
    assert {*xy(bar).y, *xy(marker).y} == {2}
    assert (marker.get_marker(), marker.get_linestyle()) == ("^", "None")


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_seeds_that_diverged_are_counted_at_the_right_edge(lost):
    axes = panel()
    draw_mean(axes, pd.Series([0.9, lost, lost]), 1, LOOK)
    assert not axes.lines
    assert [text.get_text() for text in axes.texts] == ["x 2/3"]


def test_one_seed_has_no_bar():
    axes = panel()
    draw_mean(axes, pd.Series([0.5]), 0, LOOK)
    assert len(axes.lines) == 1


@pytest.mark.parametrize("low", np.geomspace(0.001, 0.01, 7))
@pytest.mark.parametrize("ratio", [1.3, 1.9, 3, 4.9, 8, 20, 60, 300])
def test_a_short_axis_has_one_to_four_round_numbers(low, ratio):
    ticks = few_ticks(low, low * ratio)
    assert 0 < len(ticks) <= 4
    assert all(low <= tick <= low * ratio for tick in ticks)
    assert all(after > before for before, after in pairwise(ticks))
    axes = panel()
    axes.set_xscale("log")
    axes.set_xlim(low, low * ratio)
    thin_out_ticks(axes)
    assert axes.get_xticks().tolist() == ticks
