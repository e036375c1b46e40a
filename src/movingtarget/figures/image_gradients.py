"""Figure: correlation of gradients between images and their norm, layer by layer."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import draw_arms, keep_within, log_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import extremes, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_shattering_in_training",
    tables=("image_gradients",),
    caption="""\
How alike the gradients of different images are, layer by layer, before and after training: compare the
families at the first layer, on the left, where the lower the correlation, the less a step for one image
says about another, and see beside it what becomes of the gradient's norm. The correlation is
dimensionless and 1 for equal gradients; in the last layer of networks without skips it is 1 by
construction, as that gradient is the output layer's weights. The norm, on a logarithmic axis, is the
root mean square over images of that of the summed outputs' gradient with respect to the layer. Lines
are means over seeds and bands their 95 % intervals (number of seeds: {{ training.seeds | length }});
what is undefined is named above its panel. Made with the shallowest and the deepest networks from the
first {{ image_gradients.examples }} test images of {{ dataset }}, each family at its own best learning
rate, batch norm with the statistics of training images.
""",
)

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
        if quantity == "correlation":
            keep_within(row[0], -1.05, 1.05)
    for axes in grid[-1]:
        axes.set_xlabel("layer (1 is next to the input)")
    label_lines(figure)
    return figure
