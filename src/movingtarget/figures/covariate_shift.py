"""Figure: internal covariate shift, how a layer's gradient changes once the layers below have moved."""

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
Internal covariate shift, or how a layer's gradient changes once the layers below it have taken their
step: see whether batch norm lowers it, and whether residual branches do. The upper panel of each pair
shows the norm of the change relative to the gradient's, on a logarithmic axis, where 1 means a change
as large as the gradient itself; the lower one the cosine between both gradients, 1 if they point the
same way and below 0 if against each other. On the step's own batch part of the change is the decrease
of the loss that the step was for, which on a fresh batch it has not yet worked. Lines are means over
seeds and bands their 95 % intervals (number of seeds: {{ moving_target.seeds | length }}); families of
which a seed diverged have no line and are named above with the number of such seeds, and hairlines only
lead to names. Made from layer 2 on, since below the first there is none, for networks trained for {{
moving_target.steps | max }} steps on {{ dataset }} at the learning rate {{
(moving_target.learning_rates | sort)[(moving_target.learning_rates | length - 1) // 2] }}, the middle
one of those tried.
""",
)

BATCHES = {"": "same batch", "fresh_": "fresh batch"}
QUANTITIES = {
    "shift": "relative change\nof the gradient",
    "shift_cosine": "cosine (1 for the\nsame direction)",
}


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """Relative norm and cosine against layer, on the step's batch and on a fresh one, at the middle rate.

    Args:
        moving_target: table moving_target.
    """
    rate = middle(moving_target["learning_rate"])
    shifts = where(moving_target, learning_rate=rate, step=moving_target["step"].max())
    rows = [(depth, quantity) for depth in middle_and_deepest(shifts["depth"]) for quantity in QUANTITIES]
    titles = [f"depth {depth:g}, {batch}" for depth, _ in rows for batch in BATCHES.values()]
    figure, grid = rows_of_panels(titles, len(BATCHES), row_height=4.4, sharey="row")
    for line, (depth, quantity) in zip(grid, rows, strict=True):
        of_depth = where(shifts, depth=depth)
        row = {
            axes: where(of_depth, quantity=batch + quantity)
            for axes, batch in zip(line, BATCHES, strict=True)
        }
        if quantity == "shift":
            log_ordinate(line[0])
        draw_layers(row)
        line[0].set_ylabel(QUANTITIES[quantity])
    for axes in grid[-1]:
        axes.set_xlabel("layer (1 is next to the input)")
    label_lines(figure)
    return figure
