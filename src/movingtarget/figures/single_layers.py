"""Figure: how much of its promise a step would keep if each layer moved alone."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.moving_target import draw_shares
from movingtarget.drawing.style import styled
from movingtarget.figure import Drawing

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
How much of its promise a step would keep if each layer moved alone: what is lacking to 1 is taken by the
layers' own curvature, not by each other's movement. S is the sum of the drops of the minibatch's loss L if
just one layer at a time had moved, F the promised drop. Lines, bands and numbers are as in the figure of all
layers (number of seeds: {{ moving_target.seeds | length }}). Made with the same steps.
""",
)


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """S / F against F / L: a row for the first and the last step, a column for each depth.

    Args:
        moving_target: table moving_target.
    """
    return draw_shares(moving_target, "single_share", "S / F")
