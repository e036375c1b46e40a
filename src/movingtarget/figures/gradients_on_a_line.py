"""Figure: the slope of random networks on the line, as in figure 1 of Balduzzi et al. 2017."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.style import LOOKS, add_to_title, line_family, line_short_name, panels, styled
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
How far the slope of a random network carries from one input to the next: compare each network, above,
with the noises below, brown noise, a running sum, which wanders, and white noise, which forgets at once.
The abscissa is the network's only input x, the ordinate the slope df/dx of its only output, dimensionless
and with a scale of its own in every panel; residual networks have batch norm, and branches scaled by {{
line_gradients.drawn | selectattr("beta", "defined") | map(attribute="beta") | join(", ") }}. Each panel
is one network or one noise, of seed {{ line_gradients.seeds[0] }}, so there are no bands. Made by drawing
weights and biases of rectifier networks {{ line_gradients.width }} units wide from a normal distribution
of variance 2 / fan-in and differentiating at {{ line_gradients.points }} equally spaced inputs within {{
line_gradients.half_width }} of zero, batch statistics held constant.
""",
)


@styled
def draw(gradients: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Series against x: a panel for each network, and for each noise.

    Args:
        gradients: table gradients_on_a_line.
        noise: table noise_on_a_line.
    """
    series = _series(gradients, noise)
    figure, grid = panels([name for name, *_ in series], columns=3, row_height=3.2, sharex=True)
    for axes, (_, colour, rows) in zip(grid.flat, series, strict=False):
        _draw_series(axes, rows, colour)
    for axes in figure.axes[-3:]:
        axes.set_xlabel("input x")
        axes.tick_params(labelbottom=True)
    figure.supylabel("slope df/dx, or noise")
    return figure


def _series(gradients: pd.DataFrame, noise: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Name, colour and rows of every series: networks in the table's order, then brown and white noise."""
    networks = [
        (
            f"{_kind(network, normalisation)}, {depth} layer{'s' if depth > 1 else ''}",
            LOOKS[line_family(network, normalisation)]["color"],
            rows,
        )
        for (network, normalisation, beta, depth), rows in divide(
            gradients, "network", "normalisation", "beta", "depth"
        ).items()
    ]
    noises = [(f"{colour} noise", DARK, where(noise, noise=colour)) for colour in ("brown", "white")]
    return networks + noises


def _kind(network: str, normalisation: str) -> str:
    """What fits above a panel: residual, or how a feedforward network is normalised."""
    return network if network == "residual" else line_short_name(network, normalisation, np.nan)


def _draw_series(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Value against input; how many are undefined stands in the title."""
    finite = np.isfinite(rows["value"])
    axes.plot(rows["input"], rows["value"].where(finite), color=colour, linewidth=0.7)
    axes.margins(x=0.01)
    if not finite.all():
        add_to_title(axes, f"undefined at {(~finite).sum()}/{len(rows)} inputs")
