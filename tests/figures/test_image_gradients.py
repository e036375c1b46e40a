"""The figure of gradients between images."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.image_gradients import draw

QUANTITIES, STAGES = ["correlation", "gradient_norm"], ["initialisation", "trained"]
FAMILIES = {"plain": "plain", "batch norm": "batch-norm", "residual": "residual"}


@pytest.fixture
def table(layered):
    return layered(QUANTITIES, stage=STAGES)


def names(axes):
    return [text.get_text() for text in axes.texts]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_correlation_above_norm_and_before_beside_after(table):
    figure = draw(table)
    whens = ["at initialisation", "after training"] * 2
    assert titles(figure) == [f"({a}) depth 4, {when}" for a, when in zip("abcd", whens, strict=True)]
    assert [axes.get_yscale() for axes in figure.axes] == ["linear"] * 2 + ["log"] * 2
    assert [axes.get_ylabel().split("\n")[0] for axes in figure.axes[::2]] == [
        "correlation",
        "gradient norm (output",
    ]
    assert [axes.get_xlabel() for axes in figure.axes[2:]] == ["layer (1 is next to the input)"] * 2


def test_every_panel_shows_its_own_means_in_the_families_colours(table):
    shown = [(quantity, stage) for quantity in QUANTITIES for stage in STAGES]
    for axes, (quantity, stage) in zip(draw(table).axes, shown, strict=True):
        assert sorted(names(axes)) == sorted(FAMILIES)
        lines = {line.get_label(): line for line in axes.lines}
        rows = table[(table["stage"] == stage) & (table["quantity"] == quantity)]
        for name, family in FAMILIES.items():
            means = rows[rows["network"] == family].groupby("layer")["value"].mean()
            np.testing.assert_allclose(xy(lines[name]).y, means)
            assert to_hex(lines[name].get_color()) == LOOKS[family]["color"].lower()


def test_dead_layers_are_named(table):
    dead = (table["network"] == "plain") & (table["stage"] == "trained") & (table["layer"] < 3)
    table.loc[dead & (table["quantity"] == "correlation"), "value"] = np.nan
    table.loc[dead & (table["quantity"] == "gradient_norm"), "value"] = 0
    a, b, c, d = titles(draw(table))
    assert b.endswith("plain undefined at layer 1 to 2 (3/3 seeds)")
    assert d.endswith("plain zero at layer 1 to 2 (3/3 seeds)")
    assert "plain" not in a + c


def test_a_panel_without_any_value_is_not_left_empty(table):
    table.loc[table["quantity"] == "correlation", "value"] = np.nan
    figure = draw(table)
    assert names(figure.axes[0]) == ["nothing to draw"]
    assert titles(figure)[0].count("undefined") == 3


def test_of_many_depths_the_extremes_are_drawn(table):
    figure = draw(pd.concat([table, *(table.assign(depth=depth) for depth in (5, 6))]))
    assert len(figure.axes) == 8
    assert {title[4:11] for title in titles(figure)} == {"depth 4", "depth 6"}


def test_one_family_and_one_seed(table):
    figure = draw(table[(table["network"] == "plain") & (table["seed"] == 0)])
    assert [names(axes) for axes in figure.axes] == [["plain"]] * 4
