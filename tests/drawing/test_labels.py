"""Names at the lines' ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingtarget.drawing.labels import _spread, label_lines, text_colour
from movingtarget.drawing.style import FONT_SIZE, LOOKS, panels, styled


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_spread_heights_keep_order_distance_and_the_panel(heights):
    given_heights = np.array(heights)
    spread = _spread(given_heights, 10.0, 0.0, 100.0)
    assert np.diff(np.sort(spread)).min(initial=np.inf) >= 10 - 1e-9
    assert 0 <= spread.min() <= spread.max() <= 100 + 1e-9
    order = np.argsort(given_heights, kind="stable")
    assert (np.diff(spread[order]) > 0).all()


def test_heights_that_lie_far_enough_apart_stay():
    heights = np.array([70.0, 10.0, 40.0])
    np.testing.assert_allclose(_spread(heights, 10.0, 0.0, 100.0), heights)


def test_two_equal_heights_part_evenly():
    np.testing.assert_allclose(_spread(np.array([50.0, 50.0]), 10.0, 0.0, 100.0), [45, 55])


@styled
def labelled(ends, scale="linear"):
    figure, grid = panels(["one"], columns=1, row_height=5)
    axes = grid[0, 0]
    axes.set_xscale(scale)
    for name, (x, y) in ends.items():
        axes.plot([1, x], [0, y], label=name)
    label_lines(figure)
    return figure, axes


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_names_stand_to_the_right_of_all_data_inside_the_panel_and_apart(scale):
    ends = {"first": (10, 1.0), "second": (10, 1.001), "short": (5, 0.5), "_none": (8, 0.2)}
    figure, axes = labelled(ends, scale)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == ["first", "second", "short"]
    right = axes.transData.transform((10, 0))[0]
    assert all(right < box.x0 and box.x1 < axes.bbox.x1 + FONT_SIZE for box in boxes)
    assert not any(a.overlaps(b) for a in boxes for b in boxes if a is not b)


def test_ticks_end_where_the_data_end():
    _, axes = labelled({"line": (10, 1.0)})
    assert axes.get_xlim()[1] > 10
    assert axes.get_xticks().max() <= 10
    assert len(axes.get_xticks()) > 2


def test_the_name_stands_at_the_last_point_that_is_drawn():
    figure, grid = panels(["one"], columns=1, row_height=5)
    grid[0, 0].plot([1, 2, 3], [0, 7, np.nan], label="cut")
    label_lines(figure)
    assert grid[0, 0].texts[0].xy == (3, 7)


def test_a_single_point_keeps_its_tick():
    _, axes = labelled({"point": (1, 0.0)})
    assert axes.get_xticks().tolist() == [1]


def test_a_panel_without_lines_says_so():
    figure, grid = panels(["one"], columns=1, row_height=5)
    label_lines(figure)
    assert [text.get_text() for text in grid[0, 0].texts] == ["nothing to draw"]


@pytest.mark.parametrize("colour", [*(look["color"] for look in LOOKS.values()), "#f4f4f4", "#000001"])
def test_names_can_be_read_on_white(colour):
    """Relative luminance and contrast exactly as WCAG 2.1 defines them."""
    channels = np.array(text_colour(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5
