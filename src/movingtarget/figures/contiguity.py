"""Figure: how long units stay active or inactive along the line, as in figure 4 of Balduzzi et al. 2017."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.figures.curves import mean_interval, missing, name_missing
from movingtarget.figures.grid import depth_columns
from movingtarget.figures.rows import divide, where
from movingtarget.figures.style import DARK, styled


@styled
def draw(contiguity: pd.DataFrame) -> Figure:
    """Histograms of units by their mean run length: a row for each network, a column for each depth.

    Args:
        contiguity: table contiguity.
    """
    shares = where(contiguity, quantity="share")
    figure, panels = depth_columns(shares, 3.8, "mean run length / points", "share of units")
    for axes, rows, colour in panels:
        _draw_histogram(axes, rows, colour)
        name_missing(axes, rows, "bin", "share", letters=28)
    return figure


def _draw_histogram(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Bars of the mean over seeds with their 95 % intervals; bin b of 10 ends at b / 10."""
    defined = rows[~rows["bin"].isin(missing(axes, rows, "bin"))]
    for number, of_bin in divide(defined, "bin").items():
        middle = (number - 0.5) / 10
        mean, low, high = mean_interval(of_bin["value"])
        axes.bar(middle, mean, width=0.09, color=colour)
        if np.isfinite(low):
            axes.vlines(middle, low, high, color=DARK, linewidth=0.8)
    axes.set_xlim(0, 1)
