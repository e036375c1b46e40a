"""Figure: correlation of gradients between images against depth, in random classifiers."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("initial_correlation",),
    caption="""\
Whether it is the skip or the normalisation that keeps the gradients of different images alike: compare
networks with and without skips, both with batch norm, and both without. The correlation of gradients at
the first hidden layer is 1 for equal gradients, and a ratio of averages over pairs, units and seeds; the
norm is that of the gradient of the summed outputs with respect to the layer's units, on a logarithmic
axis, and the abscissa is the number of hidden layers. Lines are means over seeds and bands their 95 %
intervals (number of seeds: {{ initial_correlation.seeds | length }}); what is undefined, or zero on a
logarithmic axis, is named above its panel. Made from the first {{ initial_correlation.examples }} test
images in untrained networks {{ initial_correlation.hidden_width }} units wide, with population statistics
of ten times as many training images.
""",
)

QUANTITIES = {
    "correlation": ("correlation between images", "correlation"),
    "gradient_norm": ("norm of the gradient", "gradient norm (output per unit)"),
}


@styled
def draw(initial: pd.DataFrame) -> Figure:
    """Correlation and norm against depth: a curve for each network.

    Args:
        initial: table initial_correlation.
    """
    titles = [title for title, _ in QUANTITIES.values()]
    figure, grid = panels(titles, columns=2, row_height=5.4)
    for axes, (quantity, (_, label)) in zip(grid.flat, QUANTITIES.items(), strict=True):
        depth_axis(axes, initial["depth"], ticks=5)
        if quantity == "gradient_norm":
            log_axis(axes.yaxis)
        for network, rows in divide(where(initial, quantity=quantity), "network").items():
            name = arm_name(network, "sgd")
            draw_curve(axes, rows, "depth", name, LOOKS[network])
            name_missing(axes, rows, "depth", name)
        axes.set_ylabel(label)
        axes.set_xlabel("depth (hidden layers)")
    label_lines(figure)
    return figure
