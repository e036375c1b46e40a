"""Figure: autocorrelation of gradients on a line, as in figure 2 of Balduzzi et al. 2017."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.figures.curves import draw_curve, name_missing
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import divide
from movingtarget.figures.style import DARK, LOOKS, Look, line_family, line_name, panels, styled


@styled
def draw(autocorrelation: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Autocorrelation against lag: a panel for each network, a curve for each depth, noises as rulers.

    Args:
        autocorrelation: table gradient_autocorrelation.
        noise: table noise_autocorrelation.
    """
    networks = divide(autocorrelation, "network", "normalisation", "beta")
    titles = [line_name(*network) for network in networks]
    figure, grid = panels(titles, columns=2, row_height=6.0, sharey=True)
    for axes, ((network, normalisation, _), rows) in zip(grid.flat, networks.items(), strict=False):
        for colour, of_noise in divide(noise, "noise").items():
            _draw(axes, of_noise, f"{colour} noise", {"color": DARK, "linewidth": 0.7})
        _draw_depths(axes, rows, LOOKS[line_family(network, normalisation)]["color"])
        axes.set_xlabel("lag (grid points)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid[:, 0]:
        axes.set_ylabel("autocorrelation (1 at lag 0)")
    label_lines(figure)
    return figure


def _draw_depths(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """The curve of every depth, the deeper the darker."""
    depths = divide(rows.sort_values("depth"), "depth")
    palette = sns.blend_palette(["#f4f4f4", colour, "#101010"], as_cmap=True)
    darknesses = np.linspace(0.7, 0.2, len(depths))[::-1]
    for darkness, (depth, of_depth) in zip(darknesses, depths.items(), strict=True):
        _draw(axes, of_depth, f"depth {depth}", {"color": palette(darkness)})


def _draw(axes: Axes, rows: pd.DataFrame, name: str, look: Look) -> None:
    draw_curve(axes, rows, "lag", name, look)
    name_missing(axes, rows, "lag", name)
