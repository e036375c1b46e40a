"""Figure: variance, covariance and correlation of gradients against depth, beside theory."""

from textwrap import fill

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import panels, styled
from movingtarget.figure import Drawing
from movingtarget.figures.gradient_correlation import draw_moment, kinds_of

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("gradient_correlation",),
    caption="""\
Whether the theorems on shattered gradients hold: see whether the grey crosses, networks whose gates
open at random, lie on the thin dark lines of the paper, and where networks of real rectifiers, in
colour, leave them. A row holds one kind of network, and the abscissa is the number of layers or blocks;
variance and covariance over inputs are those of one unit's gradient, so that the gradient's norm is the
square root of {{ gradient_correlation.width }} times the variance, and the correlation is the ratio of
their averages over seeds, all dimensionless and on logarithmic axes. Exact is the product whose
asymptote is theorem 3, centred if batch norm subtracts the mean, and kernel the recursion of the
arc-cosine kernel for rectifiers; covariance and correlation are left out where the correlation is below
0.0001, the noise of sampling, or above 2. Curves are means over seeds and bands their 95 % intervals,
which reach the bottom where they include zero (number of seeds: {{ gradient_correlation.seeds | length
}}); what is undefined is named above its panel. Made from the gradients of one output, which reads the
last layer through random weights of mean zero, of networks {{ gradient_correlation.width }} units wide
at {{ gradient_correlation.inputs }} independent normal inputs, batch statistics held constant.
""",
)

MOMENTS = ("variance", "covariance", "correlation")


@styled
def draw(moments: pd.DataFrame) -> Figure:
    """Variance, covariance and correlation against depth: a row of panels for each kind of network.

    Args:
        moments: table gradient_correlation.
    """
    kinds = kinds_of(moments)
    titles = [
        fill(title.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"), 24)
        for title in kinds
        for _ in MOMENTS
    ]
    figure, grid = panels(titles, columns=3, row_height=3.9, widths=[1, 1, 1.7])
    for row, rows in zip(grid, kinds.values(), strict=True):
        for axes, moment in zip(row, MOMENTS, strict=True):
            draw_moment(axes, rows, moment, ticks=3 if moment == "correlation" else 4)
    for axes in grid[-1]:
        axes.set_xlabel("depth (layers)")
    label_lines(figure)
    return figure
