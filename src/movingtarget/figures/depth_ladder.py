"""Figure: to which depth networks can be trained, each at its own best learning rate."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_arms, log_ordinate
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import arm_look, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering_in_training",
    tables=("depth_ladder",),
    caption="""\
To which depth each family can be trained: see where its accuracy falls below the thin dark line, the
threshold below which training counts as failed. The abscissa is the number of hidden layers, on a
logarithmic axis; the ordinate is the accuracy on training images at the last step in per cent and, beside
it, the learning rate at which it was reached. Lines are means over seeds and bands their 95 % intervals
(number of seeds: {{ depth_ladder.seeds | length }}); what is undefined is named above its panel. Made by
training networks {{ depth_ladder.hidden_width }} units wide on minibatches of {{ depth_ladder.batch_size
}} for {{ depth_ladder.epochs }} {{ "epoch" if depth_ladder.epochs == 1 else "epochs" }} on {{ dataset }},
each arm at its own best learning rate, chosen on {{ depth_ladder.tuning_seeds | length }} other seeds to
within a factor of 1.5.
""",
)

FAILURE_THRESHOLD = 0.5
"""Training accuracy at the end below which training has failed."""


@styled
def draw(ladder: pd.DataFrame) -> Figure:
    """Final training accuracy, and the learning rate it was reached at, against depth: a curve for each arm.

    Args:
        ladder: table depth_ladder.
    """
    figure, (row,) = panels(["final training accuracy", "best learning rate"], columns=2, row_height=5.6)
    for axes in row:
        depth_axis(axes, ladder["depth"], ticks=6)
        axes.set_xlabel("depth (hidden layers)")
    _draw_accuracies(row[0], where(ladder, quantity="train_accuracy"))
    _draw_rates(row[1], ladder)
    label_lines(figure)
    return figure


def _draw_accuracies(axes: Axes, rows: pd.DataFrame) -> None:
    """The accuracy at each arm's last step, in per cent, and the threshold."""
    last = rows[rows["step"] == rows.groupby(["network", "update_rule", "depth"])["step"].transform("max")]
    depths = [last["depth"].min(), last["depth"].max()]
    axes.plot(depths, [100 * FAILURE_THRESHOLD] * 2, color=DARK, linewidth=0.7, label="threshold")
    draw_arms(axes, last.assign(value=100 * last["value"]), "depth")
    axes.set_ylabel("training accuracy (%)")


def _draw_rates(axes: Axes, ladder: pd.DataFrame) -> None:
    log_ordinate(axes)
    for arm, rows in divide(ladder, "network", "update_rule").items():
        rates = rows.groupby("depth")["learning_rate"].first()
        axes.plot(rates, label=arm_name(*arm), **arm_look(*arm))
    axes.set_ylabel("learning rate")
