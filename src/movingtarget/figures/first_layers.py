"""Figure: what it costs to leave the first layers at random, always or for a part of training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from movingtarget.drawing.curves import draw_curve, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.networks import network_name
from movingtarget.drawing.style import LOOKS, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_first_layers",
    tables=("first_layers",),
    caption="""\
What it costs to leave first layers at random: see (a) how many layers can stand still, (b) how late the first
one may begin to move, and (c) how soon it may stop. The ordinate is the share of right answers on test images
at the end of training. Lines are means over seeds with bands for their 95 % intervals (number of seeds:
{{ first_layers.seeds | length }}); hairlines only lead to names. Made with {{ first_layers.steps }} steps of
gradient descent on minibatches of {{ first_layers.batch_size }} from {{ first_layers.training_images }}
training images of {{ dataset }}, in (a) each network and number of layers at its own best rate, found on
other seeds, else all at the best rate of the network whose layers all move.
""",
)

SCHEDULES = {
    "frozen": ("lowest layers frozen", "layers", "layers frozen"),
    "released": ("first layer released", "change", "released at step"),
    "stopped": ("first layer stopped", "change", "stopped at step"),
}
"""Title of each way to freeze, the column along its abscissa, and what that is called."""


@styled
def draw(first_layers: pd.DataFrame) -> Figure:
    """Accuracy at the end: a panel for each way to freeze, a line for each network.

    Args:
        first_layers: table first_layers.
    """
    titles = [title for title, *_ in SCHEDULES.values()]
    figure, (row,) = panels(titles, len(titles), row_height=5.6, sharey=True, widths=[1, 1, 1.6])
    accuracies = where(first_layers, quantity="test_accuracy")
    for axes, (schedule, (_, x, name)) in zip(row, SCHEDULES.items(), strict=True):
        _draw_networks(axes, where(accuracies, schedule=schedule), x, named=axes is row[-1])
        axes.set_xlabel(name)
    row[0].set_ylabel("test accuracy (%)")
    label_lines(figure)
    return figure


def _draw_networks(axes: Axes, rows: pd.DataFrame, x: str, named: bool) -> None:
    """A line for each network; steps stand on a scale that begins at 0 and soon grows logarithmically."""
    if x == "change":
        ticks = sorted(rows[x].unique())
        axes.set_xscale("symlog", linthresh=ticks[1])
        axes.xaxis.set(major_locator=FixedLocator([ticks[0], *ticks[1::2]]), minor_locator=NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    in_per_cent = rows.assign(value=100 * rows["value"])
    for network, of_network in divide(in_per_cent, "network").items():
        draw_curve(axes, of_network, x, network_name(network) if named else "_", LOOKS[network])
        name_missing(axes, of_network, x, network_name(network), letters=24)
