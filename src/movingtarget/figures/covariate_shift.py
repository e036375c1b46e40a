"""Figure: internal covariate shift, how a layer's gradient changes once the layers below have moved."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.families import (
    draw_layers,
    log_ordinate,
    middle,
    middle_and_deepest,
    rows_of_panels,
)
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import where
from movingtarget.figures.style import styled

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
