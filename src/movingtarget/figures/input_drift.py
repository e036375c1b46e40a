"""Figure: how far one step moves the inputs of each layer."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import (
    draw_layers,
    log_ordinate,
    middle,
    middle_and_deepest,
    rows_of_panels,
)
from movingtarget.drawing.style import styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
How far one step moves the ground under each layer: see the drift grow from layer to layer, as the
changes of all layers below add up, shrink in the course of training, and which families keep it small.
The ordinate is the norm of the change that one step makes to a layer's inputs over the minibatch,
relative to the inputs' norm, on a logarithmic axis; 1 means a change as large as the inputs themselves.
Lines are means over seeds and bands their 95 % intervals (number of seeds: {{ moving_target.seeds |
length }}); families of which a seed diverged have no line and are named above with the number of such
seeds, and hairlines only lead to names. Made from layer 2 on, since the first one's inputs are the
images, for networks trained on {{ dataset }} for as many steps as the panel says at the learning rate
{{ (moving_target.learning_rates | sort)[(moving_target.learning_rates | length - 1) // 2] }}, the
middle one of those tried.
""",
)


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """Relative drift against layer at the middle rate: a row for each training step, a column for each depth.

    Args:
        moving_target: table moving_target.
    """
    rate = middle(moving_target["learning_rate"])
    drifts = where(moving_target, quantity="input_drift", learning_rate=rate)
    depths, steps = middle_and_deepest(drifts["depth"]), sorted(drifts["step"].unique())
    titles = [f"depth {depth:g}, step {step}" for step in steps for depth in depths]
    figure, grid = rows_of_panels(titles, len(depths), row_height=4.8, sharey=True)
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
