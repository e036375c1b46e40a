"""Figure: how much of its promise a step keeps, the more it promises."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.moving_target import draw_shares
from movingtarget.drawing.style import styled
from movingtarget.figure import Drawing

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
How much of its promise a step keeps, the more it promises: near 1 the gradient can be trusted, and below 0
the step does harm. F is the drop of the minibatch's loss L that the gradient promises, J the actual drop, and
each seed's rate is set so that F is the share of L on the abscissa; dotted lines are what the second order of
the loss foretells, up to where they leave the panel. Lines are means over seeds and bands their 95 %
intervals (number of seeds: {{ moving_target.seeds | length }}), each seed's value held between -0.5 and 1.5;
numbers above a panel count seeds that have diverged before or whose promise no finite rate makes, and where
there is one there is no mean. Made with a step of networks of {{ moving_target.hidden_width }} hidden units a
layer on {{ dataset }}, trained before at their own best rates for as many steps as the panel says.
""",
)


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """J / F against F / L: a row for the first and the last step, a column for each depth.

    Args:
        moving_target: table moving_target.
    """
    return draw_shares(moving_target, "joint_share", "J / F")
