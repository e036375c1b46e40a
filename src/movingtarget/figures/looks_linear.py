"""Figure: networks of rectifiers that look linear at initialisation, beside those that do not."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.curves import draw_curve, log_axis, name_missing
from movingtarget.figures.depths import depth_axis
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import divide, where
from movingtarget.figures.style import LOOKS, arm_name, panels, styled

QUANTITIES = {
    "correlation": ("correlation of gradients between inputs", "correlation\n(1 for equal gradients)"),
    "jacobian_deviation": ("distance of the Jacobian from orthogonal", "deviation\n(0 if orthogonal)"),
    "gradient_norm": ("norm of the gradient", "gradient norm (output\nper unit of input)"),
}


@styled
def draw(initial: pd.DataFrame) -> Figure:
    """Correlation, deviation of the Jacobian and norm against depth: a curve for each network.

    Args:
        initial: table looks_linear.
    """
    titles = [title for title, _ in QUANTITIES.values()]
    figure, grid = panels(titles, columns=1, row_height=4.4)
    for axes, (quantity, (_, label)) in zip(grid.flat, QUANTITIES.items(), strict=True):
        depth_axis(axes, initial["depth"])
        if quantity != "correlation":
            log_axis(axes.yaxis)
        for network, rows in divide(where(initial, quantity=quantity), "network").items():
            name = arm_name(network, "sgd")
            draw_curve(axes, rows, "depth", name, LOOKS[network])
            name_missing(axes, rows, "depth", name)
        axes.set_ylabel(label)
        axes.set_xlabel("depth (hidden layers)")
    label_lines(figure)
    return figure
