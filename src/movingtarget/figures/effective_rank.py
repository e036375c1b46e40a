"""Figure: effective rank of the gradients of a batch of images against depth, as in Balduzzi et al. 2017."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, arm_name, line_family, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("effective_rank",),
    caption="""\
How many directions the gradients of a minibatch of images fill: the nearer a curve lies to 1, the more
they look like white noise, so compare how the families rise with depth, and beside it what becomes of
the gradient's norm. The ordinate on the left is the effective rank relative to that of a Gaussian
matrix of the same shape, dimensionless; the norm, on a logarithmic axis, is the root mean square over
images of that of the summed outputs' gradient with respect to the pixels. Batch norm stands for
networks without skips, while residual ones have batch norm too. Lines are means over seeds and bands
their 95 % intervals (number of seeds: {{ effective_rank.seeds | length }}); what is undefined is named
above its panel. Made with random convolutional networks of {{ effective_rank.channels }} channels from
{{ effective_rank.examples }} training images of {{ dataset }} a seed.
""",
)

QUANTITIES = {
    "relative_effective_rank": "effective rank\n(1 for white noise)",
    "gradient_norm": "gradient norm (output\nper unit of input)",
}


@styled
def draw(rank: pd.DataFrame) -> Figure:
    """Relative effective rank, and the gradient norm beside it, against depth: a curve for each family.

    Args:
        rank: table effective_rank.
    """
    figure, grid = panels(["relative effective rank", "gradient norm"], columns=2, row_height=6.0)
    for axes, (quantity, label) in zip(grid.flat, QUANTITIES.items(), strict=True):
        depth_axis(axes, rank["depth"])
        if quantity == "gradient_norm":
            log_axis(axes.yaxis)
        for network, rows in divide(where(rank, quantity=quantity), "network", "normalisation").items():
            family = line_family(*network)
            name = arm_name(family, "sgd")
            draw_curve(axes, rows, "depth", name, LOOKS[family])
            name_missing(axes, rows, "depth", name)
        axes.set_ylabel(label)
        axes.set_xlabel("depth (convolutional layers)")
    label_lines(figure)
    return figure
