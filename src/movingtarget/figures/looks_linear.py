"""Figure: networks of rectifiers that look linear at initialisation, beside those that do not."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve, log_ordinate, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("looks_linear",),
    caption="""\
Whether rectifiers in mirrored pairs shatter no gradients at initialisation: see whether the networks
that look linear lie on the linear ones at every depth, and the others fall away. The correlation of
gradients between inputs is dimensionless and 1 for equal gradients; the deviation of the Jacobian J is
the norm of its Gram matrix less the identity, relative to that of the identity, and is zero but for
rounding if J is orthogonal; the gradient's norm is that of the summed outputs with respect to the
input. Lines are means over seeds and bands their 95 % intervals (number of seeds: {{ looks_linear.seeds
| length }}); what is undefined, or zero on a logarithmic axis, is named above its panel. Made with
orthogonal weights in networks {{ looks_linear.width }} units wide at {{ looks_linear.examples }}
independent normal inputs, CReLU with halves drawn independently.
""",
)

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
            log_ordinate(axes)
        for network, rows in divide(where(initial, quantity=quantity), "network").items():
            name = arm_name(network, "sgd")
            draw_curve(axes, rows, "depth", name, LOOKS[network])
            name_missing(axes, rows, "depth", name)
        axes.set_ylabel(label)
        axes.set_xlabel("depth (hidden layers)")
    label_lines(figure)
    return figure
