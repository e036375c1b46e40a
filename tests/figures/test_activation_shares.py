"""The figure of active and co-active units."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.colors import to_rgb

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.activation_shares import draw
from movingtarget.look import DARK

NAMES = ["feedforward, no normalisation", "feedforward, centred", "residual, batch norm, β = 0.1"]


@pytest.fixture
def table(on_a_line):
    return on_a_line(depths=[4], quantity=["active", "co-active"], layer=[1, 2, 3, 4]).drop(columns="depth")


def lines(axes, name):
    return [line for line in axes.lines if line.get_label() == name]


def test_a_panel_for_each_quantity_and_a_curve_for_each_network(table):
    axes = draw(table).axes
    titles = ["(a) active for one input", "(b) active for both of two inputs"]
    assert [panel.get_title(loc="left") for panel in axes] == titles
    for panel, quantity in zip(axes, ["active", "co-active"], strict=True):
        for name, normalisation in zip(NAMES, ["none", "centred", "batch-norm"], strict=True):
            rows = table[(table["normalisation"] == normalisation) & (table["quantity"] == quantity)]
            means = rows.groupby("layer")["value"].mean().reset_index()
            (line,) = lines(panel, name)
            np.testing.assert_allclose(xy(line), means.T)


def test_theory_of_one_input_is_a_half(table):
    (theory,) = lines(draw(table).axes[0], "theory")
    np.testing.assert_array_equal(xy(theory), [[1, 2, 3, 4], [0.5] * 4])
    assert theory.get_color() == DARK


def test_theory_of_two_inputs_is_that_of_each_feedforward_family(table):
    """Correlations 0 and 1 / pi lie below layers 1 and 2 without normalisation, 0 throughout if centred."""
    plain, centred = lines(draw(table).axes[1], "theory")
    np.testing.assert_array_equal(xy(plain).x, [1, 2, 3, 4])
    expected = [0.25, (np.pi - np.arccos(1 / np.pi)) / (2 * np.pi)]
    np.testing.assert_allclose(xy(plain).y[:2], expected)
    assert (np.diff(xy(plain).y) > 0).all()
    np.testing.assert_allclose(xy(centred).y, 0.25)


def test_residual_networks_alone_have_no_theory_of_two_inputs(table):
    one, two = draw(table[table["network"] == "residual"]).axes
    assert len(lines(one, "theory")) == 1
    assert not lines(two, "theory")


def test_members_of_a_family_share_its_look_but_not_its_shade(table):
    added = table[table["normalisation"] == "centred"].assign(normalisation="batch-norm")
    axes = draw(pd.concat([table, added])).axes[0]
    assert to_rgb(lines(axes, NAMES[0])[0].get_color()) == pytest.approx(
        to_rgb(LOOKS["plain"]["color"]), abs=0.01
    )
    centred, batch_norm = (lines(axes, name)[0] for name in (NAMES[1], "feedforward, batch norm"))
    assert centred.get_marker() == batch_norm.get_marker() == LOOKS["batch-norm"]["marker"]
    assert sum(to_rgb(centred.get_color())) > sum(to_rgb(batch_norm.get_color())) + 0.2


def test_an_undefined_layer_is_named_in_its_own_panel_only(table):
    gone = (table["quantity"] == "active") & (table["network"] == "residual") & (table["layer"] == 3)
    titles = [axes.get_title(loc="left") for axes in draw(table.assign(value=table["value"].mask(gone))).axes]
    named = titles[0].split("\n", 1)[1].replace("\n", " ")
    assert named == f"{NAMES[2]} undefined at layer 3 (3/3 seeds)"
    assert "undefined" not in titles[1]


def test_axes_have_names_and_layers_a_logarithmic_one(table):
    axes = draw(table).axes
    assert [panel.get_ylabel() for panel in axes] == ["share of units"] * 2
    assert axes[1].get_xlabel() == "layer"
    assert all(panel.get_xscale() == "log" for panel in axes)
    assert axes[1].get_xticks().tolist() == [1, 2]


def test_one_seed_one_layer(table):
    figure = draw(table[(table["seed"] == 0) & (table["layer"] == 1)])
    assert sorted(text.get_text() for text in figure.axes[0].texts) == sorted([*NAMES, "theory"])
