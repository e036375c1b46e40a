"""Figure: the loss at the end of training against the learning rate."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.figures.curves import Divergence, draw_curve, log_axis, mark_diverged
from movingtarget.figures.labels import label_lines
from movingtarget.figures.style import DARK, arm_look, arm_name, letter, panels, styled
from movingtarget.training.selection import best_learning_rate


@styled
def draw(training: pd.DataFrame) -> Figure:
    """A panel for each depth: final training loss of every member, mean of every arm, its best rate ringed.

    Args:
        training: table training.
    """
    last = training["step"] == training.groupby(["network", "depth", "update_rule"])["step"].transform("max")
    depths = list(training[last & (training["quantity"] == "train_loss")].groupby("depth"))
    figure, grid = panels(1, len(depths), row_height=7.0, sharey=True)
    for axes, (depth, rows) in zip(grid[0], depths, strict=True):
        axes.set_title(f"depth {depth}")
        log_axis(axes.xaxis)
        log_axis(axes.yaxis)
        _draw_arms(axes, rows)
        axes.set(xlabel="learning rate", ylabel="final training loss (nats)")
    letter(figure)
    label_lines(figure, room=0.4)
    return figure


def _draw_arms(axes: Axes, rows: pd.DataFrame) -> None:
    divergences = []
    for arm, of_arm in rows.groupby(["network", "update_rule"], sort=False):
        name, look = arm_name(*arm), arm_look(*arm)
        finite = np.isfinite(of_arm["value"])
        points = of_arm[finite]
        axes.plot(
            points["learning_rate"],
            points["value"],
            look["marker"],
            color=look["color"],
            markersize=2,
            alpha=0.5,
            label="_",
        )
        draw_curve(axes, of_arm, "learning_rate", name, look)
        _ring(axes, of_arm)
        if not finite.all():
            counts = of_arm.loc[~finite].groupby("learning_rate").size().to_dict()
            divergences.append(Divergence(name, look, of_arm["seed"].nunique(), counts))
    mark_diverged(axes, divergences)


def _ring(axes: Axes, arm: pd.DataFrame) -> None:
    """A ring around the mean at the arm's best rate."""
    rate = best_learning_rate(arm)
    loss = arm.loc[arm["learning_rate"] == rate, "value"].mean(skipna=False)
    axes.plot(
        rate,
        loss,
        "o",
        markersize=8,
        markerfacecolor="none",
        markeredgecolor=DARK,
        markeredgewidth=0.8,
        label="_",
    )
