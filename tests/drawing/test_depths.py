"""The abscissa of depths."""

import pandas as pd
import pytest

from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.style import panels


@pytest.mark.parametrize(
    ("depths", "ticks", "shown"),
    [
        ([10, 2, 2, 50], 3, [2, 10, 50]),
        ([1, 2, 4, 8, 16], 3, [1, 4, 16]),
        ([1, 2, 4, 8, 16], 4, [1, 4, 16]),
        ([7], 8, [7]),
    ],
)
def test_ticks_are_the_depths_or_some_of_them(depths, ticks, shown):
    axes = panels(["panel"], columns=1, row_height=4)[1][0, 0]
    depth_axis(axes, pd.Series(depths), ticks)
    axes.set_xlim(0.5, 100)
    axes.figure.draw_without_rendering()
    assert axes.get_xscale() == "log"
    assert axes.get_xticks().tolist() == shown
    assert axes.get_xticks(minor=True).tolist() == []
    assert [text.get_text() for text in axes.get_xticklabels()] == [str(depth) for depth in shown]
