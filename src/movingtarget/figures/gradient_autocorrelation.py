"""Figure: autocorrelation of gradients on a line, as in figure 2 of Balduzzi et al. 2017."""

from math import ceil

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.figures.curves import draw_curve, name_missing
from movingtarget.figures.labels import label_lines
from movingtarget.figures.style import DARK, LOOKS, letter, line_family, line_name, panels, styled

NETWORK = ["network", "normalisation", "beta"]


@styled
def draw(autocorrelation: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Autocorrelation against lag: a panel for each network, a curve for each depth, noises as rulers.

    Args:
        autocorrelation: table gradient_autocorrelation.
        noise: table noise_autocorrelation.
    """
    networks = list(autocorrelation.groupby(NETWORK, sort=False, dropna=False))
    columns = min(2, len(networks))
    figure, grid = panels(ceil(len(networks) / columns), columns, row_height=6.0, sharey=True)
    for axes, ((network, normalisation, beta), rows) in zip(grid.flat, networks, strict=False):
        axes.set_title(line_name(network, normalisation, beta))
        _draw_rulers(axes, noise)
        _draw_depths(axes, rows, LOOKS[line_family(network, normalisation)]["color"])
        axes.set(xlabel="lag (grid points)", ylabel="autocorrelation (1 at lag 0)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.label_outer()
    for axes in grid.flat[len(networks) :]:
        axes.remove()
    letter(figure)
    label_lines(figure, room=0.45)
    return figure


def _draw_rulers(axes: Axes, noise: pd.DataFrame) -> None:
    for name, rows in noise.groupby("noise", sort=False):
        draw_curve(axes, rows, "lag", f"{name} noise", {"color": DARK, "linewidth": 0.7})
        name_missing(axes, rows, "lag", f"{name} noise")


def _draw_depths(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """The curve of every depth, the deeper the darker."""
    depths = list(rows.groupby("depth"))
    shades = sns.blend_palette(["#e8e8e8", colour, "#101010"], 2 * len(depths) + 3)[2 : 2 + len(depths)]
    for shade, (depth, of_depth) in zip(shades, depths, strict=True):
        draw_curve(axes, of_depth, "lag", f"depth {depth}", {"color": shade})
        name_missing(axes, of_depth, "lag", f"depth {depth}")
