"""Figure: autocorrelation of gradients along paths through images."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.figures.gradient_autocorrelation import draw_lags, draw_rulers
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import divide, where
from movingtarget.figures.style import LOOKS, Look, line_family, line_name, panels, styled

STATISTICS = {"path": "statistics of its points", "images": "statistics of training images"}


@styled
def draw(paths: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Autocorrelation against lag: a row for each path, a column for each source of batch statistics.

    Args:
        paths: table path_autocorrelation.
        noise: table noise_autocorrelation.
    """
    shown = [(path, statistics) for path in divide(paths, "path") for statistics in STATISTICS]
    titles = [f"{path}, {STATISTICS[statistics]}" for path, statistics in shown]
    figure, grid = panels(titles, columns=2, row_height=5.2, sharey=True)
    for axes, (path, statistics) in zip(grid.flat, shown, strict=True):
        draw_rulers(axes, noise[noise["lag"] <= paths["lag"].max()])
        networks = divide(where(paths, path=path, statistics=statistics), "network", "normalisation", "beta")
        for network, rows in networks.items():
            draw_lags(axes, rows, _short_name(*network), _look(*network))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axes in grid[-1]:
        axes.set_xlabel("lag (points of the path)")
    for axes in grid[:, 0]:
        axes.set_ylabel("autocorrelation (1 at lag 0)")
    label_lines(figure)
    return figure


def _short_name(network: str, normalisation: str, beta: float) -> str:
    """What a network is called, unless it is feedforward, or residual with batch norm, which is the rule."""
    name = line_name(network, normalisation, beta)
    return name.removeprefix("feedforward, ").replace(", batch norm, ", ", ")


def _look(network: str, normalisation: str, beta: float) -> Look:
    """The family's; branches that are scaled down have a line and a marker of their own."""
    scaled: Look = {"marker": "v", "linestyle": "-"} if beta < 1 else {}
    return LOOKS[line_family(network, normalisation)] | scaled
