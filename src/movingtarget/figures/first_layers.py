"""Figure: what it costs to leave the first layers at random, always or for a part of training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.networks import network_name
from movingtarget.drawing.style import LOOKS, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_first_layers",
    tables=("first_layers",),
    caption="""\
What it costs to leave first layers at random: see how many layers can stand still in (a) and (b) before
training and test suffer, and below how late the first layer may begin to move, (c) and (d), and how
soon it may stop, (e) and (f). Left is the training loss at the end in nats, on a logarithmic axis,
right the share of right answers on test images in per cent. Lines are means over seeds with bands for
their 95 % intervals (number of seeds: {{ first_layers.seeds | length }}); hairlines only lead to names.
Made with {{ first_layers.steps }} steps of gradient descent on minibatches of {{
first_layers.batch_size }} from {{ first_layers.training_images }} training images of {{ dataset }},
each number of frozen layers of each network at its own best learning rate, found on other seeds; in (c)
to (f) all at the best rate of the network whose layers all move.
""",
)

QUANTITIES = {"train_loss": "training loss (nats)", "test_accuracy": "test accuracy (%)"}
SCHEDULES = {
    "frozen": ("lowest layers frozen", "layers"),
    "released": ("first layer released", "change"),
    "stopped": ("first layer stopped", "change"),
}
ABSCISSAE = {"frozen": "layers frozen", "released": "released at step", "stopped": "stopped at step"}


@styled
def draw(first_layers: pd.DataFrame) -> Figure:
    """Loss and accuracy at the end: a row for each way to freeze, a line for each network.

    Args:
        first_layers: table first_layers.
    """
    titles = [title for title, _ in SCHEDULES.values() for _ in QUANTITIES]
    figure, grid = panels(titles, len(QUANTITIES), row_height=5.0, sharey="col", widths=[1, 1.5])
    for axes in grid[:, 0]:
        log_axis(axes.yaxis)
    for row, (schedule, (_, x)) in zip(grid, SCHEDULES.items(), strict=True):
        rows = where(first_layers, schedule=schedule)
        for axes, (quantity, label) in zip(row, QUANTITIES.items(), strict=True):
            _draw_networks(axes, where(rows, quantity=quantity), x, named=axes is row[-1])
            axes.set(xlabel=ABSCISSAE[schedule], ylabel=label)
    label_lines(figure)
    return figure


def _draw_networks(axes: Axes, rows: pd.DataFrame, x: str, named: bool) -> None:
    """A line for each network; steps stand on a scale that begins at 0 and soon grows logarithmically."""
    if x == "change":
        ticks = sorted(rows[x].unique())
        axes.set_xscale("symlog", linthresh=ticks[1])
        axes.xaxis.set(major_locator=FixedLocator(ticks), minor_locator=NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if named:
        rows = rows.assign(value=100 * rows["value"])
    for network, of_network in divide(rows, "network").items():
        draw_curve(axes, of_network, x, network_name(network) if named else "_", LOOKS[network])
        name_missing(axes, of_network, x, network_name(network))
