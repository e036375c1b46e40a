"""Figure: autocorrelation of gradients along paths through images."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, line_family, line_short_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.figures.gradient_autocorrelation import draw_lags, draw_rulers
from movingtarget.look import Look
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering_in_training",
    tables=(
        "path_autocorrelation",
        "noise_autocorrelation",
    ),
    caption="""\
Whether what holds on the paper's line holds between real images: compare the curves with brown and
white noise, thin and dark, and the left column, where batch norm has the statistics of the path's own
points, with the right, where it has those of training images. A row holds one path, the straight line
between two images or one image rotated or shifted; the abscissa is the lag in points of the path, the
ordinate the autocorrelation of the slope along it, which is dimensionless and 1 at lag 0. Residual
networks have batch norm and the branch scale beta that is named, the others have no skips. Lines are
means over seeds and bands their 95 % intervals (number of seeds: {{ image_paths.seeds | length }});
what is undefined is named above its panel. Made with random networks of depth {{ image_paths.depth }},
{{ image_paths.width }} units wide, at {{ image_paths.points }} points of each path through test images
of {{ dataset }}.
""",
)

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
            draw_lags(axes, rows, line_short_name(*network), _look(*network))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axes in grid[-1]:
        axes.set_xlabel("lag (points of the path)")
    for axes in grid[:, 0]:
        axes.set_ylabel("autocorrelation (1 at lag 0)")
    label_lines(figure)
    return figure


def _look(network: str, normalisation: str, beta: float) -> Look:
    """The family's; branches that are scaled down have a line and a marker of their own."""
    scaled: Look = {"marker": "v", "linestyle": "-"} if beta < 1 else {}
    return LOOKS[line_family(network, normalisation)] | scaled
