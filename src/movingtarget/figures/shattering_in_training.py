"""Figure: how shattered gradients are in the course of training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from movingtarget.drawing.curves import draw_arms, keep_within, log_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import extremes, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_shattering_in_training",
    tables=("shattering_in_training",),
    caption="""\
Whether gradients stay shattered while a network learns: see whether the families keep their order from
step 0, on the left, to the end, and what becomes of the gradient's norm meanwhile. The abscissa is the
number of steps, logarithmic from the first measurement after step 0 on; the correlation is that of the
gradients of different images, 1 if they are equal, the autocorrelation that of the slope between
neighbouring points of straight lines between images, 1 at lag 0, and the norm, on a logarithmic axis,
that of the summed outputs' gradient with respect to the pixels. Lines are means over seeds and bands
their 95 % intervals (number of seeds: {{ depth_ladder.seeds | length }}); what is undefined is named
above its panel, and hairlines only lead to names. Made with the shallowest and the deepest networks of
the ladder, each at its own best learning rate, from the first {{ shattering_in_training.examples }}
test images of {{ dataset }} and lines of {{ shattering_in_training.points }} points, batch norm with
the statistics of training images.
""",
)

QUANTITIES = {
    "correlation": "correlation\n(1 for equal gradients)",
    "line_autocorrelation": "autocorrelation at\nlag 1 (1 at lag 0)",
    "gradient_norm": "gradient norm (output\nper unit of input)",
}


@styled
def draw(shattering: pd.DataFrame) -> Figure:
    """Correlation, autocorrelation and norm against step, of the shallowest and the deepest networks.

    Args:
        shattering: table shattering_in_training.
    """
    depths = extremes(shattering["depth"])
    titles = [f"depth {depth}" for depth in depths] * len(QUANTITIES)
    figure, grid = panels(titles, columns=len(depths), row_height=4.6, sharey="row")
    for row, (quantity, label) in zip(grid, QUANTITIES.items(), strict=True):
        for axes, depth in zip(row, depths, strict=True):
            if quantity == "gradient_norm":
                log_axis(axes.yaxis)
            _step_axis(axes, shattering["step"])
            draw_arms(axes, where(shattering, depth=depth, quantity=quantity), "step")
        row[0].set_ylabel(label)
        if quantity != "gradient_norm":
            keep_within(row[0], -1.05, 1.05)
    for axes in grid[-1]:
        axes.set_xlabel("step (minibatches)")
    label_lines(figure)
    return figure


def _step_axis(axes: Axes, steps: pd.Series) -> None:
    """Logarithmic from the first step measured on, linear from 0 to there."""
    axes.set_xscale("symlog", linthresh=steps[steps > 0].min() if (steps > 0).any() else 1, linscale=0.5)
    places = sorted(steps.unique())
    axes.set_xticks(places[:: -(-len(places) // 6)])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
