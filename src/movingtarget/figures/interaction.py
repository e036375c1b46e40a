"""Figure: what a step loses because the other layers move too."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import (
    draw_held,
    draw_level,
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
What a step loses because the other layers move too: see the price rise with the learning rate, and at
one small rate with depth, and which families pay least. The ordinate is S - J over F, with F the drop
of the minibatch's loss that the gradient promises, J the actual drop, and S the sum of the drops if
just one layer at a time had moved: 0 if layers do not interfere, 1 if interference costs all that was
promised; it can fall again where a rate is so large that single layers gain little either. Lines are
means over seeds and bands their 95 % intervals (number of seeds: {{ moving_target.seeds | length }}),
each seed's value held between -0.5 and 1; numbers above a panel count the seeds that diverged, on the
step or before, where one did there is no mean, and hairlines only lead to names. Made with the next
step of networks of {{ moving_target.hidden_width }} hidden units on {{ dataset }}, each trained by
gradient descent at its own learning rate on minibatches of {{ moving_target.batch_size }} images for as
many steps as the panel says.
""",
)

LEAST, GREATEST = -0.5, 1.0
"""What prices are drawn as at least and at most: too large a step may cost a billion times its promise."""

ABSCISSAE = {"learning_rate": "learning rate", "depth": "depth (hidden layers)"}


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """(S - J) / F against learning rate, and at a small rate against depth, at the first and the last step.

    Args:
        moving_target: table moving_target.
    """
    prices, steps = where(moving_target, quantity="interaction"), extremes(moving_target["step"])
    rows = _rows(prices)
    titles = [f"{name}, step {step}" for name in rows for step in steps]
    figure, grid = rows_of_panels(titles, len(steps), row_height=4.6, sharey=True)
    for line, (x, chosen) in zip(grid, rows.values(), strict=True):
        row = {axes: where(prices, step=step, **chosen) for axes, step in zip(line, steps, strict=True)}
        draw_level(row, x, 0)
        draw_held(row, x, LEAST, GREATEST)
        for axes in line:
            axes.set_xlabel(ABSCISSAE[x])
        line[0].set_ylabel("(S \N{MINUS SIGN} J) / F")
    label_lines(figure)
    return figure


def _rows(prices: pd.DataFrame) -> dict[str, tuple[str, dict[str, Any]]]:
    """The name of each row of panels, its abscissa, and what it holds fixed."""
    rates = prices["learning_rate"]
    small = middle(rates[rates <= middle(rates)])  # of the lower half
    depths = {
        f"depth {depth:g}": ("learning_rate", {"depth": depth})
        for depth in middle_and_deepest(prices["depth"])
    }
    return depths | {f"learning rate {small:g}": ("depth", {"learning_rate": small})}
