"""The figure of slopes."""

import numpy as np
from matplotlib.colors import to_hex

from movingtarget.figures.gradients_on_a_line import draw
from movingtarget.figures.style import LOOKS


def test_a_panel_for_each_network_with_its_slope(on_a_line):
    table = on_a_line(depths=[4], seeds=1, input=[-1.0, 0.0, 1.0])
    figure = draw(table)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "(a) feedforward, no normalisation, depth 4",
        "(b) feedforward, centred, depth 4",
        "(c) residual, batch norm, β = 0.1, depth 4",
    ]
    drawn = np.concatenate([axes.lines[0].get_xydata() for axes in figure.axes])
    np.testing.assert_array_equal(drawn, table[["input", "value"]])


def test_colours_are_the_families(on_a_line):
    figure = draw(on_a_line(depths=[4], seeds=1, input=[0.0, 1.0]))
    colours = [to_hex(axes.lines[0].get_color()) for axes in figure.axes]
    assert colours == [LOOKS[family]["color"].lower() for family in ("plain", "batch-norm", "residual")]


def test_axes_say_that_they_have_no_unit(on_a_line):
    figure = draw(on_a_line(depths=[4], seeds=1, input=[0.0, 1.0]))
    assert figure.get_supylabel() == "gradient df/dx (dimensionless)"
    assert figure.axes[-1].get_xlabel() == "input x (dimensionless)"
