"""Figure: the slope of random networks on the line, as in figure 1 of Balduzzi et al. 2017."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from movingtarget.drawing.style import LOOKS, add_to_title, line_family, line_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=(
        "gradients_on_a_line",
        "noise_on_a_line",
    ),
    caption="""\
How far the slope of a random network carries from one input to the next: compare how abruptly df/dx
changes between neighbouring inputs on the left, and whether its covariance on the right falls into
patches, as that of brown noise does, or into specks, as that of white noise. The abscissa is the
network's only input x, the ordinate on the left the slope df/dx of its only output, dimensionless and
with a scale of its own in every panel; on the right it is a second input, and grey gives the size of
the covariance of the two slopes over the variance, all after removal of the mean over inputs, black
from 3 on. Each row is one network or one noise, of seed {{ line_gradients.seeds[0] }}, so there are no
bands; a constant slope has no covariance. Made by drawing weights and biases of rectifier networks {{
line_gradients.width }} units wide from a normal distribution of variance 2 / fan-in and differentiating
at {{ line_gradients.points }} equally spaced inputs within {{ line_gradients.half_width }} of zero,
batch statistics held constant.
""",
)

GREYS = "gray_r"
SCALE = Normalize(0, 3)
"""Of covariances, in variances: black at the last and above."""


@styled
def draw(gradients: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Series against x and its covariance matrix, a row for each network and then for each noise.

    Args:
        gradients: table gradients_on_a_line.
        noise: table noise_on_a_line.
    """
    series = _series(gradients, noise)
    titles = [title for name, *_ in series for title in (name, "covariance")]
    row_height = min(4.5, 19.5 / len(series))
    figure, grid = panels(titles, columns=2, row_height=row_height, sharex="col", widths=[3, 1])
    for (wide, square), (_, colour, rows) in zip(grid, series, strict=True):
        _draw_series(wide, rows, colour)
        _draw_covariance(square, rows)
    greys = ScalarMappable(SCALE, GREYS)
    figure.colorbar(greys, ax=grid[:, 1], extend="max", shrink=0.3, label="covariance / variance")
    figure.supylabel("gradient df/dx or noise (dimensionless)")
    for axes in grid[-1]:
        axes.set_xlabel("input x (dimensionless)")
    return figure


def _series(gradients: pd.DataFrame, noise: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Name, colour and rows of every series: networks in the table's order, then brown and white noise."""
    networks = [
        (
            f"{line_name(network, normalisation, beta)}, depth {depth}",
            LOOKS[line_family(network, normalisation)]["color"],
            rows,
        )
        for (network, normalisation, beta, depth), rows in divide(
            gradients, "network", "normalisation", "beta", "depth"
        ).items()
    ]
    noises = [(f"{colour} noise", DARK, where(noise, noise=colour)) for colour in ("brown", "white")]
    return networks + noises


def _draw_series(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Value against input; how many are undefined stands in the title."""
    finite = np.isfinite(rows["value"])
    axes.plot(rows["input"], rows["value"].where(finite), color=colour, linewidth=0.9)
    axes.margins(x=0.01)
    if not finite.all():
        add_to_title(axes, f"undefined at {(~finite).sum()}/{len(rows)} inputs")


def _draw_covariance(axes: Axes, rows: pd.DataFrame) -> None:
    """Map of the covariance of every two inputs, or why there is none."""
    first, last = rows["input"].min(), rows["input"].max()
    axes.set_box_aspect(1)
    axes.set(xlim=(first, last), ylim=(first, last), ylabel="input x")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(2))
    values = rows["value"].to_numpy()
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        reason = "constant" if np.isfinite(values).all() else "not finite"
        text = f"{reason}:\ncovariance\nundefined"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center")
        return
    axes.imshow(
        _covariance(values),
        cmap=GREYS,
        norm=SCALE,
        aspect="auto",
        extent=(first, last, first, last),
        origin="lower",
        interpolation="none",
    )


def _covariance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """|(g_i - mean)(g_j - mean)| / variance for every two points i and j, `(points, points)`."""
    centred = values - values.mean()
    covariance: NDArray[np.float64] = np.abs(np.outer(centred, centred)) / values.var()
    return covariance
