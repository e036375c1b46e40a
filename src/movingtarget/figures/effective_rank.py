"""Figure: effective rank of the gradients of a batch of images against depth, as in Balduzzi et al. 2017."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.curves import draw_curve, log_axis, name_missing
from movingtarget.figures.depths import depth_axis
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import divide, where
from movingtarget.figures.style import LOOKS, arm_name, line_family, panels, styled

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
