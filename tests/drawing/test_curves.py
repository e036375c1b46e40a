"""Means, bands, and what is missing."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.collections import FillBetweenPolyCollection

from movingtarget.drawing.curves import (
    Divergence,
    _ranges,
    draw_curve,
    keep_within,
    log_axis,
    log_ordinate,
    mark_diverged,
    missing,
    name_missing,
)
from movingtarget.drawing.style import LOOKS, panels
from movingtarget.statistics.means import mean_interval


@pytest.fixture
def axes():
    return panels(["panel"], columns=1, row_height=4)[1][0, 0]


def curve(values) -> pd.DataFrame:
    """Rows of `values`, `(seeds, layers)`."""
    seeds, layers = np.indices(np.shape(values))
    return pd.DataFrame(
        {"seed": seeds.ravel(), "layer": 1 + layers.ravel(), "value": np.ravel(np.array(values, float))}
    )


def polygons(axes):
    return [shape for shape in axes.collections if isinstance(shape, FillBetweenPolyCollection)]


def test_the_line_is_the_mean(axes):
    draw_curve(axes, curve([[1, 2], [3, 5], [2, 2]]), "layer", "mean", LOOKS["plain"])
    np.testing.assert_allclose(xy(axes.lines[-1]), [[1, 2], [2, 3]])


def test_the_band_is_the_reports_interval(axes):
    draw_curve(axes, curve([[1, 2], [3, 5], [2, 2], [1, 9]]), "layer", "mean", LOOKS["plain"])
    vertices = polygons(axes)[0].get_paths()[0].vertices
    for layer, seeds in {1: [1.0, 3, 2, 1], 2: [2.0, 5, 2, 9]}.items():
        _, *ends = mean_interval(pd.Series(seeds))
        heights = vertices[vertices[:, 0] == layer, 1]
        assert [heights.min(), heights.max()] == ends


def test_a_logarithmic_axis_shows_the_same_mean_and_band(axes):
    """Not those of the logarithms, as seaborn would."""
    log_axis(axes.yaxis)
    draw_curve(axes, curve([[1, 10], [100, 20]]), "layer", "mean", LOOKS["plain"])
    np.testing.assert_allclose(xy(axes.lines[-1]).y, [50.5, 15])


def test_a_single_seed_has_a_line_and_no_band(axes):
    draw_curve(axes, curve([[1, 2]]), "layer", "one", LOOKS["plain"])
    assert xy(axes.lines[-1]).y.tolist() == [1, 2]
    assert not polygons(axes)


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_an_undefined_seed_is_not_averaged_away(axes, hole):
    rows = curve([[1, hole, 1], [1, 0, 1]])
    draw_curve(axes, rows, "layer", "holed", LOOKS["plain"])
    name_missing(axes, rows, "layer", "holed")
    np.testing.assert_array_equal(xy(axes.lines[-1]), [[1, 2, 3], [1, np.nan, 1]])
    assert axes.lines[-1].get_markevery() == 1
    assert axes.get_title(loc="left") == "panel\nholed undefined at layer 2 (1/2 seeds)"


def test_zero_has_no_place_on_a_logarithmic_axis_unless_another_seed_lifts_the_mean(axes):
    rows = curve([[0, 0, 1], [0, 1, 1]])
    assert missing(axes, rows, "layer") == []
    log_axis(axes.yaxis)
    assert missing(axes, rows, "layer") == [1]
    name_missing(axes, rows, "layer", "dead")
    assert "dead zero at layer 1 (2/2 seeds)" in axes.get_title(loc="left")


def test_what_is_missing_is_named_in_lines_of_so_many_letters(axes):
    name_missing(axes, curve([[np.nan, 1, np.nan]]), "layer", "holed", letters=20)
    assert axes.get_title(loc="left") == "panel\nholed undefined at\nlayer 1, 3 (1/1\nseeds)"


def test_a_curve_that_is_whole_is_not_mentioned(axes):
    name_missing(axes, curve([[1, 0]]), "layer", "whole")
    assert axes.get_title(loc="left") == "panel"


def test_a_curve_without_any_value_draws_nothing(axes):
    draw_curve(axes, curve([[np.nan, np.nan]]), "layer", "gone", LOOKS["plain"])
    assert not axes.lines


def test_ranges():
    assert _ranges([1, 2, 3, 7, 9, 10]) == "1 to 3, 7, 9 to 10"


def test_diverged_seeds_are_counted_above_the_panel(axes):
    axes.plot([0.1, 1], [1, 2])
    mark_diverged({axes: [Divergence("plain", LOOKS["plain"], 5, {0.1: 2, 1.0: 5})]})
    axes.figure.draw_without_rendering()
    assert [text.get_text() for text in axes.texts] == ["2/5", "5/5 plain", "diverged"]
    crosses = axes.lines[-1]
    assert crosses.get_marker() == "x"
    assert crosses.get_transform().transform((0.1, 1))[1] > axes.bbox.y1


def test_without_divergence_a_panel_stays_as_it_is(axes):
    mark_diverged({axes: []})
    assert not axes.texts
    assert not axes.lines


@pytest.mark.parametrize(("low", "high", "expected"), [(0.31, 0.95, "0.5"), (0.2, 3, "0.4"), (2, 900, "100")])
def test_logarithmic_axes_have_plain_numbers(axes, low, high, expected):
    log_axis(axes.yaxis)
    axes.set_ylim(low, high)
    axes.figure.draw_without_rendering()
    shown = [text.get_text() for minor in (False, True) for text in axes.yaxis.get_ticklabels(minor=minor)]
    assert expected in shown
    assert not any("e" in text for text in shown)


def test_numbers_on_a_logarithmic_ordinate(axes):
    log_ordinate(axes)
    axes.set_ylim(0.1, 3)
    axes.figure.draw_without_rendering()
    shown = [text.get_text() for text in axes.get_yticklabels(which="both") if text.get_text()]
    assert {"0.1", "0.3", "1", "3"} <= set(shown)
    assert not {"0.2", "0.5", "2"} & set(shown)


@pytest.mark.parametrize("row_height", [0.8, 1.2, 4])
@pytest.mark.parametrize("decades", range(1, 13))
def test_a_logarithmic_ordinate_has_two_numbers_at_least_whatever_its_range(decades: int, row_height: float):
    axes = panels(["panel"], columns=1, row_height=row_height)[1][0, 0]
    log_ordinate(axes)
    axes.set_ylim(0.7, 10.0**decades)
    axes.figure.canvas.draw()
    low, high = axes.get_ylim()
    assert sum(low <= tick <= high for tick in axes.get_yticks()) >= 2


def test_limits_are_kept_within_what_values_can_be():
    _, ((first, second),) = panels(["a", "b"], columns=2, row_height=4.0, sharey=True)
    first.plot([0, 1], [-3.0, 0.5])
    second.plot([0, 1], [0.0, 0.9])
    keep_within(first, -1.0, 1.0)
    low, high = second.get_ylim()
    assert low == -1
    assert 0.9 < high <= 1
