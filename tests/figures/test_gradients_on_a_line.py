"""The figure of slopes."""

import numpy as np
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import CENTIMETRE, LOOKS
from movingtarget.figures.gradients_on_a_line import draw
from movingtarget.look import DARK


@pytest.fixture
def table(on_a_line):
    return on_a_line(depths=[4], seeds=1, input=[-1.0, 0.0, 1.0])


def test_a_panel_for_each_network_and_then_each_noise(table, noise_on_a_line):
    axes = draw(table, noise_on_a_line).axes
    assert [panel.get_title(loc="left") for panel in axes] == [
        "(a) no normalisation, 4 layers",
        "(b) centred, 4 layers",
        "(c) residual, 4 layers",
        "(d) brown noise",
        "(e) white noise",
    ]
    brown_first = noise_on_a_line.sort_values(["noise", "input"])
    expected = np.concatenate([table[["input", "value"]], brown_first[["input", "value"]]])
    np.testing.assert_array_equal(np.hstack([xy(panel.lines[0]) for panel in axes]), expected.T)


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_an_undefined_slope_is_a_gap_and_named(table, noise_on_a_line, hole):
    table.loc[0, "value"] = hole
    first, *others = draw(table, noise_on_a_line).axes
    np.testing.assert_array_equal(np.isfinite(xy(first.lines[0]).y), [False, True, True])
    assert not np.isinf(xy(first.lines[0]).y).any()
    assert first.get_title(loc="left").endswith("4 layers\nundefined at 1/3 inputs")
    assert not any("undefined" in panel.get_title(loc="left") for panel in others)


def test_a_single_layer_is_one(table, noise_on_a_line):
    figure = draw(table.assign(depth=1), noise_on_a_line)
    assert figure.axes[0].get_title(loc="left") == "(a) no normalisation, 1 layer"


def test_colours_are_the_families_and_noise_is_dark(table, noise_on_a_line):
    colours = [to_hex(axes.lines[0].get_color()) for axes in draw(table, noise_on_a_line).axes]
    families = [LOOKS[family]["color"].lower() for family in ("plain", "batch-norm", "residual")]
    assert colours == [*families, DARK, DARK]


def test_axes_are_named_and_the_figure_takes_little_of_a_page(table, noise_on_a_line):
    figure = draw(table, noise_on_a_line)
    assert figure.get_supylabel() == "slope df/dx, or noise"
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", *["input x"] * 3]
    assert figure.get_figheight() <= 8 * CENTIMETRE
