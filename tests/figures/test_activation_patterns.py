"""The figure of activation patterns."""

import numpy as np
import pytest
from drawing_cases import pixels

from movingtarget.figures.activation_patterns import draw


@pytest.fixture
def table(on_a_line):
    frame = on_a_line(depths=(4, 2), seeds=2, unit=[2, 1]).drop(columns="value")
    spelt = [f"{place % 32:05b}" for place in range(len(frame))]
    return frame.assign(pattern=spelt)


def test_a_raster_for_each_network_and_depth_black_where_active(table):
    figure = draw(table)
    kinds = [
        (normalisation, depth) for normalisation in ("none", "centred", "batch-norm") for depth in (2, 4)
    ]
    for axes, (normalisation, depth) in zip(figure.axes, kinds, strict=True):
        rows = table[(table["normalisation"] == normalisation) & (table["depth"] == depth)]
        of_unit = rows[rows["seed"] == 0].set_index("unit")["pattern"]
        (image,) = axes.images
        drawn = ["".join("01"[int(active)] for active in unit) for unit in pixels(image)]
        assert drawn == [of_unit[1], of_unit[2]]
        np.testing.assert_array_equal(image.to_rgba(np.array([False, True]))[:, 0], [1, 0])
        assert image.get_extent() == [0.5, 5.5, 2.5, 0.5]


def test_all_active_is_black_and_all_inactive_white(table):
    figure = draw(table.assign(pattern=np.where(table["depth"] == 2, "11111", "00000")))
    shades = [axes.images[0].to_rgba(pixels(axes.images[0]))[..., 0] for axes in figure.axes]
    assert [np.unique(shade).tolist() for shade in shades] == [[0], [1]] * 3


def test_axes_have_units(table):
    axes = draw(table).axes
    assert axes[0].get_ylabel() == "feedforward\nno normalisation\nunit"
    assert [panel.get_xlabel() for panel in axes[4:]] == ["place on the line (grid points)"] * 2


def test_one_network_one_depth_one_unit(table):
    (axes,) = draw(
        table[(table["network"] == "residual") & (table["depth"] == 2) & (table["unit"] == 1)]
    ).axes
    assert pixels(axes.images[0]).shape == (1, 5)
