"""Figure: whether the loss is locally linear, as a step of gradient descent assumes."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.families import draw_held, draw_level, middle, rows_of_panels
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import where
from movingtarget.figures.style import extremes, styled

SHARES = {"joint_share": "J / F\n(all layers move)", "single_share": "S / F\n(each moves alone)"}

LEAST, GREATEST = -0.5, 1.5
"""What shares are drawn as at least and at most: too large a step may raise the loss a billion times."""


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """J / F and S / F against learning rate, at the first and the last step: a column for each depth.

    Args:
        moving_target: table moving_target.
    """
    depths = sorted({*extremes(moving_target["depth"]), middle(moving_target["depth"])})
    rows = [(step, share) for step in extremes(moving_target["step"]) for share in SHARES]
    titles = [f"depth {depth:g}, step {step}" for step, _ in rows for depth in depths]
    figure, grid = rows_of_panels(titles, len(depths), row_height=4.2, sharey=True)
    for line, (step, share) in zip(grid, rows, strict=True):
        shares = where(moving_target, step=step, quantity=share)
        row = {axes: where(shares, depth=depth) for axes, depth in zip(line, depths, strict=True)}
        for height in (0, 1):
            draw_level(row, "learning_rate", height)
        draw_held(row, "learning_rate", LEAST, GREATEST)
        line[0].set_ylabel(SHARES[share])
    for axes in grid[-1]:
        axes.set_xlabel("learning rate")
    label_lines(figure)
    return figure
