"""Figure: whether the slopes of deep networks can be told from white noise."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, line_family, line_short_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("whiteness", "noise_whiteness"),
    caption="""\
Whether the slopes of deep networks can be told from white noise: see how near each curve comes to the
thin dark line, white noise of the same length under the same test. Panels hold the share of networks that
a test over {{ whiteness.lags }} lags rejects at 5 %, the share of the slopes' power in the lower half of
the frequencies, and their mean square in the outer half of the line over that of the whole, all
dimensionless; the abscissa is the number of layers. Lines are means over seeds and bands their 95 %
intervals (number of seeds: {{ whiteness.seeds | length }}); what is undefined is named above its panel.
Made from df/dx at {{ whiteness.points }} equally spaced inputs within {{ whiteness.half_width }} of zero
of feedforward rectifier networks {{ whiteness.width }} units wide, with the test of Ljung and Box.
""",
)

QUANTITIES = {
    "rejected": ("told from white noise", "share rejected"),
    "low_frequencies": ("spectrum", "share of low frequencies"),
    "outer_power": ("along the line", "outer over whole power"),
}

CENTRED: Look = {"marker": "v", "linestyle": "-"}
"""Beside batch norm, whose colour a centred network shares."""


@styled
def draw(whiteness: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """A panel for each quantity, against depth: a curve for each network, and one for white noise.

    Args:
        whiteness: table whiteness.
        noise: table noise_whiteness.
    """
    figure, grid = panels([title for title, _ in QUANTITIES.values()], columns=2, row_height=5.2)
    for axes, (quantity, (_, label)) in zip(grid.flat, QUANTITIES.items(), strict=False):
        depth_axis(axes, whiteness["depth"])
        _draw_networks(axes, where(whiteness, quantity=quantity))
        depths = np.sort(whiteness["depth"].unique())
        ruler = where(noise, quantity=quantity).merge(pd.DataFrame({"depth": depths}), how="cross")
        draw_curve(axes, ruler, "depth", "white noise", {"color": DARK, "linewidth": 0.7})
        axes.set_ylabel(label)
        axes.set_xlabel("depth (layers)")
    label_lines(figure)
    return figure


def _draw_networks(axes: Axes, rows: pd.DataFrame) -> None:
    for (network, normalisation, beta), of_network in divide(
        rows, "network", "normalisation", "beta"
    ).items():
        name = line_short_name(network, normalisation, beta)
        look = LOOKS[line_family(network, normalisation)] | (CENTRED if normalisation == "centred" else {})
        draw_curve(axes, of_network, "depth", name, look)
        name_missing(axes, of_network, "depth", name)
