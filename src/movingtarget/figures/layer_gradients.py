"""Figure: the gradient's norm layer by layer, at initialisation."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.figures.curves import draw_curve, log_axis, name_missing
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import divide, where
from movingtarget.figures.style import LOOKS, arm_name, panels, styled


@styled
def draw(one_step: pd.DataFrame) -> Figure:
    """Norm of the gradient of each layer's parameters: a panel for each depth, a curve for each family.

    Args:
        one_step: table one_step; the example is no family.
    """
    norms = where(one_step[one_step["network"] != "example"], quantity="gradient_norm")
    # the same for every optimiser and rate
    norms = norms.drop_duplicates(["network", "depth", "seed", "layer"])
    depths = sorted(norms["depth"].unique())
    figure, grid = panels([f"depth {depth}" for depth in depths], columns=1, row_height=6.6, sharey=True)
    for axes, depth in zip(grid[:, 0], depths, strict=True):
        log_axis(axes.yaxis)
        for network, rows in divide(where(norms, depth=depth), "network").items():
            name = arm_name(network, "sgd")
            draw_curve(axes, rows, "layer", name, LOOKS[network])
            name_missing(axes, rows, "layer", name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("layer (1 is next to the input, the last is the output layer)")
        axes.set_ylabel("gradient norm\n(nats per unit of a parameter)")
    label_lines(figure)
    return figure
