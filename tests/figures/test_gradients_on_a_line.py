"""The figure of slopes."""

import numpy as np
import pytest
from drawing_cases import pixels, xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import CENTIMETRE, LOOKS
from movingtarget.figures.gradients_on_a_line import draw
from movingtarget.look import DARK


@pytest.fixture
def table(on_a_line):
    return on_a_line(depths=[4], seeds=1, input=[-1.0, 0.0, 1.0])


def panels(figure):
    """Axes of series and of covariances, without the colour bar."""
    return figure.axes[:-1:2], figure.axes[1:-1:2]


def test_a_row_for_each_network_and_then_each_noise(table, noise_on_a_line):
    wide, square = panels(draw(table, noise_on_a_line))
    assert [axes.get_title(loc="left") for axes in wide] == [
        "(a) feedforward, no normalisation, depth 4",
        "(c) feedforward, centred, depth 4",
        "(e) residual, batch norm, β = 0.1, depth 4",
        "(g) brown noise",
        "(i) white noise",
    ]
    assert [axes.get_title(loc="left")[4:] for axes in square] == ["covariance"] * 5
    brown_first = noise_on_a_line.sort_values(["noise", "input"])
    expected = np.concatenate([table[["input", "value"]], brown_first[["input", "value"]]])
    np.testing.assert_array_equal(np.hstack([xy(axes.lines[0]) for axes in wide]), expected.T)


def test_maps_are_covariances_over_the_variance_on_one_scale(table, noise_on_a_line):
    table.loc[table["normalisation"] == "none", "value"] = [5.0, 1.0, 0.0]  # mean 2, variance 14 / 3
    figure = draw(table, noise_on_a_line)
    maps = [axes.images[0] for axes in panels(figure)[1]]
    np.testing.assert_allclose(pixels(maps[0]) * 14 / 3, [[9, 3, 6], [3, 1, 2], [6, 2, 4]])
    white = noise_on_a_line.loc[noise_on_a_line["noise"] == "white", "value"].to_numpy()
    centred = white - white.mean()
    np.testing.assert_allclose(pixels(maps[-1])[0, 2], abs(centred[0] * centred[2]) / white.var())
    assert {image.get_clim() for image in maps} == {(0, 3)}
    assert {tuple(image.get_extent()) for image in maps} == {(-1, 1, -1, 1)}
    assert {image.origin for image in maps} == {"lower"}
    assert figure.axes[-1].get_ylim() == (0, 3)
    assert figure.axes[-1].get_ylabel() == "covariance / variance"


def test_a_constant_slope_has_no_covariance_and_says_so(table, noise_on_a_line):
    table.loc[table["normalisation"] == "centred", "value"] = 0.1
    square = panels(draw(table, noise_on_a_line))[1]
    assert [len(axes.images) for axes in square] == [1, 0, 1, 1, 1]
    assert [text.get_text() for text in square[1].texts] == ["constant:\ncovariance\nundefined"]
    assert not square[0].texts


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_an_undefined_slope_is_a_gap_and_named(table, noise_on_a_line, hole):
    table.loc[0, "value"] = hole
    wide, square = panels(draw(table, noise_on_a_line))
    np.testing.assert_array_equal(np.isfinite(xy(wide[0].lines[0]).y), [False, True, True])
    assert not np.isinf(xy(wide[0].lines[0]).y).any()
    assert wide[0].get_title(loc="left").endswith("depth 4\nundefined at 1/3 inputs")
    assert [text.get_text() for text in square[0].texts] == ["not finite:\ncovariance\nundefined"]
    assert not square[0].images


def test_colours_are_the_families_and_noise_is_dark(table, noise_on_a_line):
    colours = [to_hex(axes.lines[0].get_color()) for axes in panels(draw(table, noise_on_a_line))[0]]
    families = [LOOKS[family]["color"].lower() for family in ("plain", "batch-norm", "residual")]
    assert colours == [*families, DARK, DARK]


def test_axes_say_that_they_have_no_unit_and_the_figure_fits_a_page(table, noise_on_a_line):
    figure = draw(table, noise_on_a_line)
    wide, square = panels(figure)
    assert figure.get_supylabel() == "gradient df/dx or noise (dimensionless)"
    assert wide[-1].get_xlabel() == square[-1].get_xlabel() == "input x (dimensionless)"
    assert all(axes.get_ylabel() == "input x" for axes in square)
    assert figure.get_figheight() <= 20 * CENTIMETRE
