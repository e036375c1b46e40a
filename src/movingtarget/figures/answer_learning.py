"""Figure: how much of its promise a step keeps, and how much at the rate that trains best."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve, log_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import draw_level, middle
from movingtarget.drawing.style import LOOKS, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
How much of what its gradients promise a step keeps, the more it promises: 1 is all of it, 0 a step that
was of no use, and the large markers stand where each network trains best. The abscissa is the promised
share of the minibatch's loss, F / L, logarithmic, the ordinate the kept share of the promise, J / F. Lines
are means over seeds and bands their 95 % intervals (number of seeds: {{ moving_target.seeds | length }}),
markers stand at the median promise, and values below 0 are held there, since too large a step may raise
the loss a billion times. Made with a step of networks of {{ (moving_target.depths |
sort)[(moving_target.depths | length - 1) // 2] }} hidden layers, {{ moving_target.hidden_width }} units
wide, on {{ dataset }}, after {{ moving_target.steps | max }} steps of training.
""",
)

NETWORKS = ("plain", "batch-norm", "residual")
LARGE: Look = {"markersize": 9, "markeredgecolor": DARK, "label": "_"}
"""Of the marker at a network's own best rate."""


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """J / F against F / L at the middle depth and the last step: a curve and a marker for each family.

    Args:
        moving_target: table moving_target.
    """
    depth, step = middle(moving_target["depth"]), moving_target["step"].max()
    chosen = where(moving_target[moving_target["network"].isin(NETWORKS)], depth=depth, step=step, layer=0)
    kept = where(chosen, quantity="joint_share").assign(value=lambda rows: rows["value"].clip(lower=0))
    figure, grid = panels([""], columns=1, row_height=5.6)
    axes = grid[0, 0]
    log_axis(axes.xaxis)
    matched = where(kept, rate="matched")
    draw_level({axes: matched}, "promise", 1)
    for network, rows in divide(matched, "network").items():
        draw_curve(axes, rows, "promise", arm_name(network, "sgd"), LOOKS[network])
        promises = where(chosen, network=network, rate="best", quantity="promise")["value"]
        shares = where(kept, network=network, rate="best")["value"]
        look = LOOKS[network]
        axes.plot(promises.median(), shares.mean(), color=look["color"], marker=look["marker"], **LARGE)
    axes.set_xlabel("promised share of the loss, F / L")
    axes.set_ylabel("kept share of the promise, J / F")
    label_lines(figure)
    return figure
