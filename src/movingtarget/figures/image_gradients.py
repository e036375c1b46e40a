"""Figure: correlation of gradients between images and their norm, layer by layer."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.figures.curves import draw_arms, log_axis
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import where
from movingtarget.figures.style import extremes, panels, styled

STAGES = {"initialisation": "at initialisation", "trained": "after training"}
QUANTITIES = {
    "correlation": "correlation\n(1 for equal gradients)",
    "gradient_norm": "gradient norm (output\nper unit of activation)",
}


@styled
def draw(gradients: pd.DataFrame) -> Figure:
    """Correlation and norm against layer, before and after training, of the shallowest and deepest networks.

    Args:
        gradients: table image_gradients.
    """
    rows = [(depth, quantity) for depth in extremes(gradients["depth"]) for quantity in QUANTITIES]
    titles = [f"depth {depth}, {when}" for depth, _ in rows for when in STAGES.values()]
    figure, grid = panels(titles, columns=2, row_height=4.2, sharey="row")
    for row, (depth, quantity) in zip(grid, rows, strict=True):
        for axes, stage in zip(row, STAGES, strict=True):
            if quantity == "gradient_norm":
                log_axis(axes.yaxis)
            draw_arms(axes, where(gradients, depth=depth, stage=stage, quantity=quantity), "layer")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        row[0].set_ylabel(QUANTITIES[quantity])
    for axes in grid[-1]:
        axes.set_xlabel("layer (1 is next to the input)")
    label_lines(figure)
    return figure
