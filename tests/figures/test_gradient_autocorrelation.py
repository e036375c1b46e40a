"""The figure of autocorrelations."""

import numpy as np
from matplotlib.colors import rgb_to_hsv, to_rgb

from movingtarget.figures.gradient_autocorrelation import draw


def labels(axes):
    return [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]


def names(axes):
    return [text.get_text() for text in axes.texts]


def test_every_panel_has_every_depth_and_both_rulers_by_name(on_a_line, noise):
    figure = draw(on_a_line(depths=(4, 2), lag=range(4)), noise)
    assert len(figure.axes) == 3
    for axes in figure.axes:
        assert labels(axes) == names(axes) == ["white noise", "brown noise", "2 layers", "4 layers"]


def test_deeper_is_darker(on_a_line, noise):
    for axes in draw(on_a_line(depths=(4, 2, 9), lag=range(4)), noise).axes:
        colours = {line.get_label(): line.get_color() for line in axes.lines}
        brightness = [sum(to_rgb(colours[f"{depth} layers"])) for depth in (2, 4, 9)]
        assert brightness == sorted(brightness, reverse=True)
        hues = [rgb_to_hsv(to_rgb(colours[f"{depth} layers"]))[0] for depth in (2, 4, 9)]
        np.testing.assert_allclose(hues, hues[0], atol=0.05)


def test_an_undefined_depth_is_named_in_its_own_panel_only(on_a_line, noise):
    table = on_a_line(lag=range(4))
    table.loc[(table["normalisation"] == "none") & (table["depth"] == 2), "value"] = np.nan
    titles = [axes.get_title(loc="left") for axes in draw(table, noise).axes]
    assert "2 layers undefined at lag 0 to 3 (3/3 seeds)" in titles[0]
    assert "undefined" not in "".join(titles[1:])


def test_of_many_depths_three_are_shown(on_a_line, noise):
    (first, *_) = draw(on_a_line(depths=(1, 2, 3, 5, 9), lag=range(4)), noise).axes
    assert names(first)[2:] == ["1 layer", "3 layers", "9 layers"]


def test_one_seed_one_depth_one_lag(on_a_line, noise):
    figure = draw(on_a_line(depths=[2], seeds=1, lag=[0]), noise[noise["lag"] == 0])
    assert names(figure.axes[0]) == ["white noise", "brown noise", "2 layers"]


def test_axes_have_units(on_a_line, noise):
    figure = draw(on_a_line(lag=range(4)), noise)
    assert all(axes.get_xlabel() == "lag (grid points)" for axes in figure.axes)
    assert figure.axes[0].get_ylabel() == "autocorrelation"
