"""Figure: how long units stay active or inactive along the line, as in figure 4 of Balduzzi et al. 2017."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import missing, name_missing
from movingtarget.drawing.grid import depth_columns
from movingtarget.drawing.style import styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("contiguity",),
    caption="""\
How long units of a random network stay active or inactive along the line: see in which columns of
panels the histogram piles up at the right, where units never switch, collapses to the left, where they
switch all the time, or stays broad. The abscissa is a unit's mean run length over the number of points,
in tenths, the ordinate the share of units; both are dimensionless, and rows of panels differ in the
kind of network, columns in depth; since n runs have a mean length of 1 / n of the points, no unit can stand
between 0.5 and 1. Bars are means over seeds and the lines on them 95 % intervals
(number of seeds: {{ activations.seeds | length }}); what is undefined is named above its panel. Made
from the last hidden layer at {{ activations.points }} equally spaced inputs within {{
activations.half_width }} of zero of rectifier networks {{ activations.width }} units wide.
""",
)


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
