"""Figure: what a step loses because the other layers move too."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import (
    draw_held,
    draw_level,
    middle,
    rows_of_panels,
)
from movingtarget.drawing.style import extremes, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
What a step loses because the other layers move too, at equal promises (above) and at each network's best rate
(middle), and how much it promises there (below). The price is (S - J) / F, where F is the promised drop of
the minibatch's loss L, J the actual drop, and S the sum of the drops if just one layer at a time had moved: 0
if layers do not interfere, 1 if it costs all that was promised. Lines are means over seeds and bands their 95
% intervals (number of seeds: {{ moving_target.seeds | length }}), prices held between -0.5 and 1 and promises
between 0.01 and 100; numbers above a panel count seeds that have no value, and where there is one there is no
mean. Made with a step of networks of {{ moving_target.hidden_width }} hidden units a layer on {{ dataset }},
trained before at their own best rates for as many steps as the panel says.
""",
)

LEAST, GREATEST = -0.5, 1.0
"""What prices are drawn as at least and at most."""

LEAST_PROMISE, GREATEST_PROMISE = 1e-2, 1e2
"""What promises are drawn as at least and at most."""


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """(S - J) / F against depth, at the middle promise and at best rates, and F / L there.

    Args:
        moving_target: table moving_target.
    """
    matched, best = (where(moving_target, rate=rate) for rate in ("matched", "best"))
    promise, steps = middle(matched["promise"]), extremes(moving_target["step"])
    price = "(S \N{MINUS SIGN} J) / F"
    rows = {
        f"{price}\nat F / L = {promise:g}": where(matched, promise=promise, quantity="interaction"),
        f"{price}\nat the best rate": where(best, quantity="interaction"),
        "F / L\nat the best rate": where(best, quantity="promise"),
    }
    titles = [f"step {step}" for _ in rows for step in steps]
    figure, grid = rows_of_panels(titles, len(steps), row_height=3.6, sharey="row")
    for line, (name, chosen) in zip(grid, rows.items(), strict=True):
        row = {axes: where(chosen, step=step) for axes, step in zip(line, steps, strict=True)}
        if name.startswith(price):
            draw_level(row, "depth", 0)
            draw_held(row, "depth", LEAST, GREATEST)
        else:
            log_axis(line[0].yaxis)
            draw_level(row, "depth", 1)
            draw_held(row, "depth", LEAST_PROMISE, GREATEST_PROMISE)
        line[0].set_ylabel(name)
    for axes in grid[-1]:
        axes.set_xlabel("hidden layers")
    label_lines(figure)
    return figure
