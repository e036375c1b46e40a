"""The figure of ratios of curvatures and of the largest rates."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex
from matplotlib.text import Annotation

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.curvature import draw
from movingtarget.statistics.means import mean_interval

FAMILIES = {"plain": "plain", "batch norm": "batch-norm", "residual, batch norm": "residual-batch-norm"}


def title(axes):
    return axes.get_title(loc="left")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def line(axes, name):
    (found,) = [line for line in axes.lines if line.get_label() == name]
    return found


def markers(axes):
    """Colours and places of the markers."""
    dots = [line for line in axes.lines if line.get_marker() not in {"None", None, ""}]
    return {(to_hex(dot.get_color()), *np.round(xy(dot), 9)[:, 0].tolist()) for dot in dots}


def means(table, quantity):
    rows = table[table["quantity"] == quantity]
    return rows.groupby(["network", "depth"], sort=False)["value"].mean().round(9)


def test_ratios_lie_between_their_bounds(moving_target):
    table = moving_target()
    above, _ = draw(table).axes
    np.testing.assert_array_equal(xy(line(above, "number of layers")), [[2, 4, 6], [3, 5, 7]])
    np.testing.assert_array_equal(xy(line(above, "1")).y, [1, 1, 1])
    for name, network in FAMILIES.items():
        expected = means(table, "curvature_ratio")[network].reset_index()
        np.testing.assert_allclose(xy(line(above, name)), expected.T)
    assert above.get_xscale() == above.get_yscale() == "log"


def test_a_marker_for_each_family_and_depth_with_the_depth_beside_it(moving_target):
    table = moving_target()
    _, below = draw(table).axes
    xs, ys = means(table, "curvature_ratio"), means(table, "bought")
    expected = {
        (LOOKS[network]["color"].lower(), x, ys[network, depth]) for (network, depth), x in xs.items()
    }
    assert markers(below) == expected
    beside = {
        (text.get_text(), *np.round(text.xy, 9))
        for text in below.texts
        if isinstance(text, Annotation) and text.get_text() in {"2", "4", "6"}
    }
    assert beside == {(str(depth), x, ys[network, depth]) for (network, depth), x in xs.items()}
    assert below.get_xlabel() == "ratio of curvatures"
    assert below.get_xscale() == below.get_yscale() == "log"


def test_intervals_are_thin_lines_through_the_marker(moving_target):
    table = moving_target(networks=["plain"], depths=[2])
    _, below = draw(table).axes
    flat, upright = [xy(line) for line in below.lines if line.get_linewidth() == 0.6]
    ratios, bought = (table.loc[table["quantity"] == name, "value"] for name in ("curvature_ratio", "bought"))
    np.testing.assert_allclose(flat.y, bought.mean())
    np.testing.assert_allclose(upright.x, ratios.mean())
    for (low, high), values in [(flat.x, ratios), (upright.y, bought)]:
        assert (low, high) == pytest.approx(mean_interval(values)[1:])


def test_the_diagonal_is_where_both_ratios_are_equal(moving_target):
    _, below = draw(moving_target()).axes
    ends = xy(line(below, "equal"))
    np.testing.assert_array_equal(ends.x, ends.y)
    xs = [x for _, x, _ in markers(below)]
    assert ends.x[0] <= min(xs) < max(xs) <= ends.x[1]


def test_what_is_undefined_is_named_and_the_mean_is_not_of_the_others(moving_target):
    table = moving_target()
    plain = (table["network"] == "plain") & (table["depth"] == 6) & (table["seed"] == 1)
    table.loc[plain & (table["quantity"] == "bought"), "value"] = np.nan
    normalised = (table["network"] == "batch-norm") & (table["depth"] == 4) & (table["seed"] < 2)
    table.loc[normalised & (table["quantity"] == "curvature_ratio"), "value"] = np.nan
    above, below = draw(table).axes
    assert title(above).endswith("\nbatch norm undefined at depth 4 (2/3 seeds)")
    assert "plain" not in title(above)
    assert sorted(title(below).split("\n")[1:]) == [
        "batch norm, depth 4 undefined (2/3 seeds)",
        "plain, depth 6 undefined (1/3 seeds)",
    ]
    assert len(markers(below)) == 7
    assert sorted(texts(below)) == ["2", "2", "2", "4", "4", "6", "6", "equal"]


def test_a_later_step_is_left_out(moving_target):
    table = moving_target()
    ratios = table[table["quantity"].isin(["curvature_ratio", "bought"])]
    later = ratios.assign(step=10, value=100.0)
    expected = markers(draw(table).axes[1])
    assert markers(draw(pd.concat([table, later])).axes[1]) == expected


@pytest.mark.filterwarnings("error")
def test_one_of_everything_and_nothing_at_all(moving_target):
    table = moving_target(networks=["plain"], depths=[2], rates=[0.1], steps=[0], seeds=1)
    above, below = draw(table).axes
    assert sorted(texts(above)) == ["1", "number of layers", "plain"]
    assert sorted(texts(below)) == ["2", "equal"]
    _, below = draw(table.assign(value=np.nan)).axes
    assert texts(below) == ["nothing to draw"]
