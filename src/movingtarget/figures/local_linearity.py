"""Figure: whether the loss is locally linear, as a step of gradient descent assumes."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import draw_held, draw_level, middle, rows_of_panels
from movingtarget.drawing.style import extremes, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
Whether the loss is locally linear, as a step of gradient descent assumes: see how far to the right each
family stays near 1, where a step gets all the gradient promises, and how much sooner it falls if all
layers move than if each moves alone. F is the drop of the minibatch's loss promised by the gradient,
the learning rate times its squared norm; J is the actual drop, and S the sum of the drops if just one
layer at a time had moved, both relative to F and below 0 where they do harm. Lines are means over seeds
and bands their 95 % intervals (number of seeds: {{ moving_target.seeds | length }}), each seed's value
held between -0.5 and 1.5, since too large a step may raise the loss a billion times; numbers above a
panel count the seeds that diverged, on the step or before, and where one did there is no mean. Made
with the next step of networks of {{ moving_target.hidden_width }} hidden units on {{ dataset }}, each
trained by gradient descent at the learning rate of the abscissa on minibatches of {{
moving_target.batch_size }} images for as many steps as the panel says.
""",
)

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
