"""Figure: what one step of each layer alone does to the outputs, and what it keeps of its promise."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.networks import network_name
from movingtarget.drawing.style import LOOKS, panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_first_layers",
    tables=("layer_alone",),
    caption="""\
What one step of each layer alone does to the outputs, in all (left) and for each of its parameters (middle),
and to the loss (right). Left is the norm of the change of the outputs for {{ first_layers.held_out }} test
images, relative to their own; right is the drop of the minibatch's loss as a share of the layer's promise, at
the thin line all of it, with -1 standing for less. Lines are the darker, the later in training, means over
seeds with bands for their 95 % intervals (number of seeds: {{ first_layers.seeds | length }}). Made with the
next step of gradient descent after the steps that a line names, on minibatches of
{{ first_layers.batch_size }} images of {{ dataset }}; the last layer is the output layer.
""",
)

QUANTITIES = {
    "output_change": "change of outputs",
    "change_per_parameter": "the same, per\nparameter",
    "kept": "kept of promise",
}
LEAST_KEPT = -1.0
NETWORKS = ("plain", "convolutional")


@styled
def draw(layer_alone: pd.DataFrame) -> Figure:
    """Three quantities against the layer moved: a row for each of `NETWORKS`, a line for each time.

    Args:
        layer_alone: table layer_alone.
    """
    shown = layer_alone["network"].isin(NETWORKS) & (layer_alone["layer"] > 0)
    networks = divide(layer_alone[shown], "network")
    titles = [network_name(network) for network in networks for _ in QUANTITIES]
    figure, grid = panels(titles, len(QUANTITIES), row_height=3.9, sharey="col", widths=[1, 1, 1.5])
    for axes in grid[:, :2].flat:
        log_axis(axes.yaxis)
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_minor_formatter(NullFormatter())
    for row, (network, rows) in zip(grid, networks.items(), strict=True):
        for axes, (quantity, label) in zip(row, QUANTITIES.items(), strict=True):
            _draw_times(axes, where(rows, quantity=quantity), LOOKS[network]["color"], axes is row[-1])
            axes.set_ylabel(label)
    for axes in grid[-1]:
        axes.set_xlabel("layer moved")
    label_lines(figure)
    return figure


def _draw_times(axes: Axes, rows: pd.DataFrame, colour: str, named: bool) -> None:
    """A line for each step, the later the darker."""
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    if named:
        rows = rows.assign(value=rows["value"].clip(lower=LEAST_KEPT))
        axes.plot([rows["layer"].min(), rows["layer"].max()], [1, 1], color=DARK, linewidth=0.7, label="_")
    times = divide(rows, "step")
    for (step, of_step), shade in zip(times.items(), shades(colour, len(times)), strict=True):
        name = f"step {step}" if named else "_"
        draw_curve(axes, of_step, "layer", name, {"color": shade, "marker": "o", "markersize": 2.2})
        name_missing(axes, of_step, "layer", f"step {step}", letters=24)
