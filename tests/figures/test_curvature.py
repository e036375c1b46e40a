"""The figure of gains in rate near a minimum, and of ratios of curvatures."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.curvature import draw

FAMILIES = {"plain": "plain", "batch norm": "batch-norm", "residual": "residual"}


def title(axes):
    return axes.get_title(loc="left")


def line(axes, name):
    (found,) = [line for line in axes.lines if line.get_label() == name]
    return found


def markers(axes):
    return [line for line in axes.lines if line.get_linestyle() == "None"]


def of(table, quantity, stage="minimum"):
    return table[(table["quantity"] == quantity) & (table["stage"] == stage)]


def test_a_marker_for_each_seed_the_larger_the_deeper_in_the_familys_look(block_curvature):
    table = block_curvature()
    for axes, quantity in zip(draw(table).axes[:2], ["exact_gain", "gain"], strict=True):
        arms = of(table, "ratio").groupby(["network", "depth"], sort=False)
        for marks, ((network, depth), rows) in zip(markers(axes), arms, strict=True):
            gains = of(table, quantity)
            gains = gains[(gains["network"] == network) & (gains["depth"] == depth)]
            np.testing.assert_allclose(xy(marks), [rows["value"], gains["value"]])
            assert marks.get_color() == LOOKS[network]["color"]
        sizes = [marks.get_markersize() for marks in markers(axes)]
        assert sizes[:3] == sorted(sizes[:3]) == sizes[3:6]
        assert axes.get_xscale() == axes.get_yscale() == "log"


def test_the_diagonal_spans_the_ratios(block_curvature):
    table = block_curvature()
    for axes in draw(table).axes[:2]:
        ends = xy(line(axes, "equal"))
        np.testing.assert_array_equal(ends.x, ends.y)
        ratios = of(table, "ratio")["value"]
        np.testing.assert_allclose([ends.x.min(), ends.x.max()], [ratios.min(), ratios.max()])


def test_ratios_lie_between_their_bounds(block_curvature):
    table = block_curvature()
    axes = draw(table).axes[2]
    np.testing.assert_array_equal(xy(line(axes, "number of layers")), [[2, 4, 8], [3, 5, 9]])
    np.testing.assert_array_equal(xy(line(axes, "1")).y, [1, 1, 1])
    for name, network in FAMILIES.items():
        rows = of(table, "ratio")
        expected = rows[rows["network"] == network].groupby("depth")["value"].mean()
        np.testing.assert_allclose(xy(line(axes, name)), expected.reset_index().T)


def test_lowest_eigenvalues_at_initialisation_are_dotted(block_curvature):
    table = block_curvature()
    axes = draw(table).axes[3]
    dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert len(dotted) == 3
    for drawn, (_, rows) in zip(
        dotted, of(table, "lowest", "initialisation").groupby("network", sort=False), strict=True
    ):
        np.testing.assert_allclose(xy(drawn).y, rows.groupby("depth")["value"].mean())


def test_what_is_undefined_is_named(block_curvature):
    table = block_curvature()
    lost = (table["network"] == "plain") & (table["depth"] == 8) & (table["seed"] == 1)
    table.loc[lost & (table["quantity"] == "gain"), "value"] = np.nan
    table.loc[
        (table["network"] == "batch-norm") & (table["quantity"] == "ratio") & (table["depth"] == 4), "value"
    ] = np.nan
    exact, measured, ratios, _ = draw(table).axes
    assert "plain" not in title(exact)
    assert "plain, 8 layers undefined (1/3 seeds)" in title(measured)
    assert "batch norm, 4 layers undefined (3/3 seeds)" in title(exact)
    assert "batch norm undefined at depth 4 (3/3 seeds)" in title(ratios)


@pytest.mark.filterwarnings("error")
def test_one_of_everything_and_nothing_at_all(block_curvature):
    table = block_curvature(networks=["plain"], depths=[2], seeds=1)
    draw(table).draw_without_rendering()
    draw(table.assign(value=np.nan)).draw_without_rendering()
