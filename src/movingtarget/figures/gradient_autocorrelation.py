"""Figure: autocorrelation of gradients on a line, as in figure 2 of Balduzzi et al. 2017."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from movingtarget.drawing.curves import draw_curve, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import extremes_and_middle
from movingtarget.drawing.style import LOOKS, line_family, line_short_name, panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=(
        "gradient_autocorrelation",
        "noise_autocorrelation",
    ),
    caption="""\
How fast the slopes of random networks forget: the nearer a curve lies to white noise, the more these
gradients have shattered, and the nearer to brown noise, the better neighbouring inputs agree. A panel
holds one kind of network, a curve one number of layers, the more the darker; the abscissa is the lag in
grid points, the ordinate the autocorrelation, 1 at lag 0, and thin dark lines are brown and white noise
of the same length. Lines are means over seeds and bands their 95 % intervals (number of seeds: {{
line_gradients.seeds | length }}); what is undefined is named above its panel. Made from df/dx at {{
line_gradients.points }} equally spaced inputs within {{ line_gradients.half_width }} of zero of rectifier
networks {{ line_gradients.width }} units wide, with the biased estimator after removal of the mean.
""",
)


@styled
def draw(autocorrelation: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Autocorrelation against lag: a panel for each network, a curve for three depths, noises as rulers.

    Args:
        autocorrelation: table gradient_autocorrelation.
        noise: table noise_autocorrelation.
    """
    networks = divide(autocorrelation, "network", "normalisation", "beta")
    titles = [line_short_name(*network) for network in networks]
    figure, grid = panels(titles, columns=3, row_height=4.7, sharey=True)
    for axes, ((network, normalisation, _), rows) in zip(grid.flat, networks.items(), strict=False):
        draw_rulers(axes, noise)
        _draw_depths(axes, rows, LOOKS[line_family(network, normalisation)]["color"])
    name_axes(grid)
    label_lines(figure)
    return figure


def draw_rulers(axes: Axes, noise: pd.DataFrame) -> None:
    """The curves of brown and white noise, thin and dark."""
    for colour, of_noise in divide(noise, "noise").items():
        draw_lags(axes, of_noise, f"{colour} noise", {"color": DARK, "linewidth": 0.7})


def draw_lags(axes: Axes, rows: pd.DataFrame, name: str, look: Look) -> None:
    """One curve against lag; where it has no value, the panel's title says so."""
    draw_curve(axes, rows, "lag", name, look)
    name_missing(axes, rows, "lag", name)


def name_axes(grid: NDArray[Any]) -> None:
    """Say on all panels what is drawn against what."""
    for axes in grid.flat:
        axes.set_xlabel("lag (grid points)")
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    for axes in grid[:, 0]:
        axes.set_ylabel("autocorrelation")


def _draw_depths(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """The curves of the least, a middle and the greatest depth, the deeper the darker."""
    depths = extremes_and_middle(rows["depth"])
    for shade, depth in zip(shades(colour, len(depths)), depths, strict=True):
        name = "1 layer" if depth == 1 else f"{depth} layers"
        draw_lags(axes, where(rows, depth=depth), name, {"color": shade})
