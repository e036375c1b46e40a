"""The figure of autocorrelations along paths."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.path_autocorrelation import draw
from movingtarget.look import DARK

PATHS, STATISTICS = ["straight line", "rotation", "shift"], ["path", "images"]


@pytest.fixture
def table(on_a_line):
    return on_a_line(depths=[50], path=PATHS, statistics=STATISTICS, lag=range(4))


def test_a_row_for_each_path_and_a_column_for_each_statistics(table, noise):
    figure = draw(table, noise)
    panels = [(path, statistics) for path in PATHS for statistics in STATISTICS]
    for axes, (path, statistics) in zip(figure.axes, panels, strict=True):
        whose = {"path": "statistics of its points", "images": "statistics of training images"}[statistics]
        assert axes.get_title(loc="left").endswith(f") {path}, {whose}")
        rows = table[(table["path"] == path) & (table["statistics"] == statistics)]
        for name, normalisation in {"no normalisation": "none", "residual, β = 0.1": "batch-norm"}.items():
            means = rows[rows["normalisation"] == normalisation].groupby("lag")["value"].mean()
            np.testing.assert_allclose(xy(named(axes)[name]).y, means)


def test_curves_and_rulers_are_named_and_in_the_families_colours(table, noise):
    families = {"no normalisation": "plain", "centred": "batch-norm", "residual, β = 0.1": "residual"}
    for axes in draw(table, noise).axes:
        colours = {name: to_hex(line.get_color()) for name, line in named(axes).items()}
        expected = {name: LOOKS[family]["color"].lower() for name, family in families.items()}
        assert colours == expected | dict.fromkeys(["white noise", "brown noise"], DARK)
        assert sorted(text.get_text() for text in axes.texts) == sorted(colours)


def test_two_branch_scales_differ_in_line_and_marker(table, noise):
    residual = table[table["network"] == "residual"]
    full = residual.assign(beta=1.0)
    axes = draw(pd.concat([table, full]), noise).axes[0]
    one, tenth = named(axes)["residual, β = 1"], named(axes)["residual, β = 0.1"]
    assert one.get_color() == tenth.get_color()
    assert one.get_marker() != tenth.get_marker()
    assert one.is_dashed() != tenth.is_dashed()


def test_rulers_are_no_longer_than_the_curves(table, noise):
    axes = draw(table[table["lag"] < 3], noise).axes[0]
    assert {max(xy(line).x) for line in named(axes).values()} == {2}


def test_an_undefined_curve_is_named_in_its_own_panel(table, noise):
    dead = (table["path"] == "shift") & (table["statistics"] == "images") & (table["network"] == "residual")
    table.loc[dead, "value"] = np.nan
    titles = [axes.get_title(loc="left") for axes in draw(table, noise).axes]
    assert "residual, β = 0.1 undefined at lag 0 to 3" in titles[-1].replace("\n", " ")
    assert "undefined" not in "".join(titles[:-1])


def test_axes_have_units(table, noise):
    axes = draw(table, noise).axes
    assert [one.get_xlabel() for one in axes] == [""] * 4 + ["lag (points of the path)"] * 2
    assert [one.get_ylabel() for one in axes[::2]] == ["autocorrelation (1 at lag 0)"] * 3
