"""Panels by network and depth."""

from movingtarget.drawing.grid import depth_columns
from movingtarget.drawing.style import LOOKS


def test_a_row_for_each_network_and_a_column_for_each_depth_with_its_rows(on_a_line):
    table = on_a_line(depths=(4, 2), seeds=2)
    figure, filled = depth_columns(table, 3.0, "abscissa", "ordinate")
    kinds = [
        (normalisation, depth) for normalisation in ("none", "centred", "batch-norm") for depth in (2, 4)
    ]
    assert [axes for axes, *_ in filled] == figure.axes
    for (axes, rows, colour), (normalisation, depth), family in zip(
        filled, kinds, ["plain"] * 2 + ["batch-norm"] * 2 + ["residual"] * 2, strict=True
    ):
        assert axes.get_title(loc="left").endswith(f") depth {depth}")
        assert rows.equals(table[(table["normalisation"] == normalisation) & (table["depth"] == depth)])
        assert colour == LOOKS[family]["color"]
    assert [axes.get_ylabel() for axes in figure.axes[4:]] == ["residual\nbatch norm\nβ = 0.1\nordinate", ""]
    assert [axes.get_xlabel() for axes in figure.axes] == [""] * 4 + ["abscissa"] * 2
