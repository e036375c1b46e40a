"""Figure: whether the loss is locally linear, as a step of gradient descent assumes."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import (
    draw_foretold,
    draw_held,
    draw_level,
    extremes_and_middle,
    rows_of_panels,
)
from movingtarget.drawing.style import extremes, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
Whether the loss is locally linear, as a step of gradient descent assumes, when every network promises
the same: see how far to the right each family stays near 1, where a step gets all that the gradient
promises, and how much sooner it falls if all layers move than if each moves alone. F is the promised
drop of the minibatch's loss L, and each seed's rate is set so that F is the share of L on the abscissa;
J is the actual drop, and S the sum of the drops if just one layer at a time had moved, both relative to
F and below 0 where they do harm; dotted lines, up to where they leave the panel, are what the second
order of the loss foretells, from products of the Hessian with the gradient. Full lines are means over
seeds and bands their 95 % intervals (number of seeds: {{ moving_target.seeds | length }}), each seed's
value held between -0.5 and 1.5; numbers above a panel count the seeds without a value, which have
diverged before or whose promise no finite rate makes, and where there is one there is no mean. Made with
a step of networks of {{ moving_target.hidden_width }} hidden units on {{ dataset }}, trained at their own
best rates on minibatches of {{ moving_target.batch_size }} images for as many steps as the panel says.
""",
)

SHARES = {"joint_share": "J / F\n(all layers move)", "single_share": "S / F\n(each moves alone)"}

LEAST, GREATEST = -0.5, 1.5
"""What shares are drawn as at least and at most."""


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """J / F and S / F against F / L, at the first and the last step: a column for each depth.

    Args:
        moving_target: table moving_target.
    """
    matched = where(moving_target, rate="matched")
    depths = extremes_and_middle(matched["depth"])
    rows = [(step, share) for step in extremes(matched["step"]) for share in SHARES]
    titles = [f"depth {depth:g}, step {step}" for step, _ in rows for depth in depths]
    figure, grid = rows_of_panels(titles, len(depths), row_height=4.2, sharey=True)
    for line, (step, share) in zip(grid, rows, strict=True):
        of_step = where(matched, step=step)
        row = {axes: where(of_step, depth=depth) for axes, depth in zip(line, depths, strict=True)}
        measured = {axes: where(rows, quantity=share) for axes, rows in row.items()}
        for height in (0, 1):
            draw_level(measured, "promise", height)
        foretold = {axes: where(rows, quantity=f"foretold_{share}") for axes, rows in row.items()}
        draw_foretold(foretold, "promise", LEAST, GREATEST)
        draw_held(measured, "promise", LEAST, GREATEST)
        line[0].set_ylabel(SHARES[share])
    for axes in grid[-1]:
        axes.set_xlabel("F / L")
    label_lines(figure)
    return figure
