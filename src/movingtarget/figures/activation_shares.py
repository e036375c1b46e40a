"""Figure: shares of active and of co-active units, as in figure 3 of Balduzzi et al. 2017."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, line_family, line_name, panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where
from movingtarget.theory.arc_cosine import co_activation, correlations

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("activation_shares",),
    caption="""\
How many units of a random network are active for one input, and for both of two: see whether the second
share stays at a quarter, as if the two inputs had nothing in common, or climbs with depth towards a
half. The abscissa is the layer, on a logarithmic axis, the ordinate the dimensionless share of its
units. Thin dark lines are theory for feedforward networks without limit of width, a half active for one
input and, by the arc-cosine kernel, the share for two inputs that begin uncorrelated. Lines are means
over seeds and bands their 95 % intervals (number of seeds: {{ activations.seeds | length }}); what is
undefined is named above its panel. Made by counting positive pre-activations of {{ activations.inputs
}} independent normal inputs in rectifier networks {{ activations.width }} units wide.
""",
)

TITLES = {"active": "active for one input", "co-active": "active for both of two inputs"}


@styled
def draw(shares: pd.DataFrame) -> Figure:
    """Share of units against layer: a panel for each quantity, a curve for each network, theory in dark.

    Args:
        shares: table activation_shares.
    """
    figure, grid = panels([*TITLES.values()], columns=1, row_height=6.5, sharex=True)
    for axes, quantity in zip(grid[:, 0], TITLES, strict=True):
        log_axis(axes.xaxis)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        rows = where(shares, quantity=quantity)
        looks = _looks([*divide(rows, "network", "normalisation", "beta")])
        for network, of_network in divide(rows, "network", "normalisation", "beta").items():
            name = line_name(*network)
            draw_curve(axes, of_network, "layer", name, looks[name])
            name_missing(axes, of_network, "layer", name)
        _draw_theory(axes, rows, quantity)
        axes.set_ylabel("share of units")
    grid[-1, 0].set_xlabel("layer")
    label_lines(figure)
    return figure


def _looks(networks: list[tuple[str, str, float]]) -> dict[str, Look]:
    """The look of each network by name: its family's, in a shade for each of a family's members."""
    families: dict[str, list[str]] = {}
    for network in networks:
        families.setdefault(line_family(*network[:2]), []).append(line_name(*network))
    return {
        name: LOOKS[family] | {"color": shade}
        for family, names in families.items()
        for name, shade in zip(names, shades(LOOKS[family]["color"], len(names)), strict=True)
    }


def _draw_theory(axes: Axes, rows: pd.DataFrame, quantity: str) -> None:
    """1/2 active; co-active as the arc-cosine kernel says of feedforward networks, once for each family."""
    layers = np.arange(1, rows["layer"].max() + 1)
    look: Look = {"color": DARK, "linewidth": 0.7, "label": "theory"}
    if quantity == "active":
        axes.plot(layers, np.full(len(layers), 0.5), **look)
        return
    feedforward = where(rows, network="feedforward")["normalisation"].unique()
    for normalisation in {line_family("feedforward", name): name for name in feedforward}.values():
        below = correlations("feedforward", normalisation, len(layers))[:-1]
        axes.plot(layers, co_activation(below), **look)
