"""Figure: how well information at the start orders networks by speed, by every estimator."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.style import panels, styled
from movingtarget.figure import Drawing
from movingtarget.figures.information_prediction import (
    CONTROLLED,
    add_key,
    by_reading,
    draw_rows,
    readings_of,
)
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_information",
    tables=("information_prediction",),
    caption="""\
Does the verdict on the claim depend on what is varied, on what is held, and on who estimates? Left of the
line at 0, networks with more information between their layers at the start reach the threshold of the loss
in fewer steps, as claimed; right of it in more. A row is an estimator, with the noise and the scaling of
layers where several were tried (layers at unit deviation or root mean square), and the abscissa Spearman's
rank correlation over networks and depths, with depth, on the right also the scale of activations,
partialled out; from top to bottom networks differ by their structure, or by one dial of the initial
weights of one structure, the gain of orthogonal weights, the scale of residual branches or the rank of
hidden weights. Markers are means over seeds, bars their 95 % intervals (number of seeds: {{
mutual_information.seeds | length }}), and a row without a marker is undefined, because a dial does not
move the information or what is held determines it. Made from the middle pair of layers.
""",
)


@styled
def draw(prediction: pd.DataFrame) -> Figure:
    """Correlations of initial information with steps: a panel for what varies, a row for each estimator.

    Args:
        prediction: table information_prediction.
    """
    shown = where(prediction, outcome="steps")
    varied, readings = divide(shown, "varied"), readings_of(shown)
    activations = [*divide(shown, "activation")]
    titles = [f"{name}, {controlled} held" for name in varied for controlled in CONTROLLED]
    figure, grid = panels(titles, columns=2, row_height=1.0 + 0.29 * len(readings), sharex=True, sharey=True)
    for row, rows in zip(grid, varied.values(), strict=True):
        for axes, controlled in zip(row, CONTROLLED, strict=True):
            draw_rows(axes, by_reading(where(rows, controlled=controlled), readings), activations)
    figure.supxlabel("rank correlation with steps to the threshold")
    add_key(figure, activations)
    return figure
