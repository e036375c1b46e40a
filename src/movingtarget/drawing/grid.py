"""Panels for networks on the line: a row for each network, a column for each depth."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.style import LOOKS, line_family, line_name, panels
from movingtarget.statistics.rows import divide, where

Panel = tuple[Axes, pd.DataFrame, str]
"""Axes, the rows to draw there, and the colour of the network's family."""


def depth_columns(
    table: pd.DataFrame, row_height: float, abscissa: str, ordinate: str
) -> tuple[Figure, list[Panel]]:
    """A figure with a panel for each network and depth, all of one scale.

    Args:
        table: with columns network, normalisation, beta and depth; every network at every depth.
        row_height: of a row of panels, in centimetres.
        abscissa: what it is named under the last row.
        ordinate: what it is named beside the first column, under the network's name.
    """
    networks = divide(table, "network", "normalisation", "beta")
    depths = sorted(table["depth"].unique())
    titles = [f"depth {depth}" for _ in networks for depth in depths]
    figure, grid = panels(titles, len(depths), row_height, sharex=True, sharey=True)
    filled: list[Panel] = []
    for row, (network, rows) in zip(grid, networks.items(), strict=True):
        row[0].set_ylabel("\n".join([*line_name(*network).split(", "), ordinate]))
        colour = LOOKS[line_family(*network[:2])]["color"]
        filled += [(axes, where(rows, depth=depth), colour) for axes, depth in zip(row, depths, strict=True)]
    for axes in grid[-1]:
        axes.set_xlabel(abscissa)
    return figure, filled
