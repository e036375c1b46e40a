"""Figure: what a step loses because the other layers move too."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.families import draw_held, draw_level, middle, middle_and_deepest, rows_of_panels
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import where
from movingtarget.figures.style import extremes, styled

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
