"""Figure: how far one step moves the inputs of each layer."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.curves import log_ordinate
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import (
    draw_layers,
    middle,
    middle_and_deepest,
    rows_of_panels,
)
from movingtarget.drawing.style import extremes, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
How far one step moves the ground under each layer, if all networks promise the same. The ordinate is the norm
of the change that one step makes to a layer's inputs over the minibatch, relative to the inputs' norm, at a
promised drop of the loss of {{ (moving_target.promises | sort)[(moving_target.promises | length - 1) // 2] }}
of itself; changes of all layers below add up. Lines are means over seeds and bands their 95 % intervals
(number of seeds: {{ moving_target.seeds | length }}); families with seeds that have no value have no line and
are named above, and hairlines only lead to names. Made from layer 2 on, since the first one's inputs are the
images, for networks trained before at their own best rates on {{ dataset }} for as many steps as the panel
says.
""",
)


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """Relative drift against layer at the middle promise: a row for either end of training, a column a depth.

    Args:
        moving_target: table moving_target.
    """
    matched = where(moving_target, rate="matched", quantity="input_drift")
    drifts = where(matched, promise=middle(matched["promise"]))
    depths, steps = middle_and_deepest(drifts["depth"]), extremes(drifts["step"])
    titles = [f"{depth:g} layers, step {step}" for step in steps for depth in depths]
    figure, grid = rows_of_panels(titles, len(depths), row_height=4.4, sharey=True)
    for line, step in zip(grid, steps, strict=True):
        log_ordinate(line[0])
        draw_layers(
            {axes: where(drifts, step=step, depth=depth) for axes, depth in zip(line, depths, strict=True)}
        )
        line[0].set_ylabel("relative drift")
    for axes in grid[-1]:
        axes.set_xlabel("layer (1 is next to the input)")
    label_lines(figure)
    return figure
