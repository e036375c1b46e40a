"""The figure of contiguity."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.contiguity import draw
from movingtarget.statistics.means import mean_interval


@pytest.fixture
def table(on_a_line):
    shares = on_a_line(depths=(4, 2), quantity=["share"], bin=range(1, 11))
    breadths = on_a_line(depths=(4, 2), quantity=["breadth"], bin=[0])
    return pd.concat([shares, breadths], ignore_index=True)


def bars(axes):
    return [[bar.get_x() + bar.get_width() / 2, bar.get_height()] for bar in axes.patches]


def intervals(axes):
    return [segment for lines in axes.collections for segment in lines.get_segments()]


def test_a_histogram_for_each_network_and_depth_with_its_interval(table):
    kinds = [
        (family, normalisation, depth)
        for family, normalisation in [
            ("plain", "none"),
            ("batch-norm", "centred"),
            ("residual", "batch-norm"),
        ]
        for depth in (2, 4)
    ]
    for axes, (family, normalisation, depth) in zip(draw(table).axes, kinds, strict=True):
        rows = table[(table["normalisation"] == normalisation) & (table["depth"] == depth)]
        of_bin = rows[rows["quantity"] == "share"].groupby("bin")["value"]
        middles = np.linspace(0.05, 0.95, 10)
        np.testing.assert_allclose(bars(axes), np.transpose([middles, of_bin.mean()]))
        assert {to_hex(bar.get_facecolor()) for bar in axes.patches} == {LOOKS[family]["color"].lower()}
        _, low, high = np.transpose([mean_interval(values) for _, values in of_bin])
        ends = np.transpose([[middles, low], [middles, high]], (2, 0, 1))
        np.testing.assert_allclose(intervals(axes), ends)
        assert axes.get_xlim() == (0, 1)


def test_a_single_seed_has_bars_and_no_interval(table):
    for axes in draw(table[table["seed"] == 0]).axes:
        assert len(bars(axes)) == 10
        assert not intervals(axes)


def test_equal_seeds_have_an_interval_without_length(table):
    axes = draw(table.assign(value=0.1)).axes[0]
    np.testing.assert_allclose(np.ptp(intervals(axes), axis=1)[:, 1], 0, atol=1e-12)


def test_an_undefined_share_is_no_bar_and_named_in_its_own_panel_only(table):
    gone = (
        (table["network"] == "residual") & (table["depth"] == 4) & (table["bin"] == 7) & (table["seed"] == 1)
    )
    axes = draw(table.assign(value=table["value"].mask(gone))).axes
    assert [len(bars(panel)) for panel in axes] == [10, 10, 10, 10, 10, 9]
    titles = [panel.get_title(loc="left") for panel in axes]
    assert titles[5].replace("\n", " ") == "(f) depth 4 share undefined at bin 7 (1/3 seeds)"
    assert max(map(len, titles[5].split("\n"))) <= 28
    assert "undefined" not in "".join(titles[:5])


def test_axes_have_units_and_one_scale(table):
    axes = draw(table).axes
    assert axes[2].get_ylabel() == "feedforward\ncentred\nshare of units"
    assert [panel.get_xlabel() for panel in axes[4:]] == ["mean run length / points"] * 2
    assert len({panel.get_ylim() for panel in axes}) == 1
