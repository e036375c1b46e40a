"""Figure: how far one step moves the inputs of each layer."""

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
