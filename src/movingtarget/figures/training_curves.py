"""Figure: loss and accuracy in the course of training, each arm at its own best learning rate."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.figures.curves import Divergence, draw_curve, log_axis, mark_diverged, missing
from movingtarget.figures.labels import label_lines
from movingtarget.figures.style import arm_look, arm_name, letter, panels, styled
from movingtarget.training.selection import best_learning_rate

ARM = ["network", "depth", "update_rule"]


@styled
def draw(training: pd.DataFrame) -> Figure:
    """A column for each depth: minibatch loss by steps and by gradient evaluations, test accuracy by steps.

    Args:
        training: table training.
    """
    best = pd.concat([_at_best_rate(arm) for _, arm in training.groupby(ARM, sort=False)])
    depths = list(best.groupby("depth"))
    figure, grid = panels(3, len(depths), row_height=5.2, sharey="row")
    for column, (depth, rows) in enumerate(depths):
        loss, cost, accuracy = grid[:, column]
        batches, tests = (rows[rows["quantity"] == name] for name in ("batch_loss", "test_accuracy"))
        for axes in grid[:, column]:
            axes.set_title(f"depth {depth}")
        for axes in (loss, cost):
            log_axis(axes.yaxis)
            axes.set_ylabel("minibatch loss (nats)")
        log_axis(cost.xaxis)
        _draw_arms(loss, batches, "step")
        _draw_arms(cost, batches, "gradient_evaluations")
        _draw_arms(accuracy, tests.assign(value=100 * tests["value"]), "step")
        loss.set_xlabel("step (minibatches)")
        cost.set_xlabel("cost (gradient evaluations)")
        accuracy.set(xlabel="step (minibatches)", ylabel="test accuracy (%)")
    letter(figure)
    label_lines(figure, room=0.4)
    return figure


def _at_best_rate(arm: pd.DataFrame) -> pd.DataFrame:
    return arm[arm["learning_rate"] == best_learning_rate(arm)]


def _draw_arms(axes: Axes, rows: pd.DataFrame, x: str) -> None:
    """The curve of every arm up to where a seed of it diverges, and a cross there."""
    divergences = []
    for arm, of_arm in rows.groupby(["network", "update_rule"], sort=False):
        draw_curve(axes, of_arm, x, arm_name(*arm), arm_look(*arm))
        if places := missing(axes, of_arm, x):
            lost = of_arm.loc[~np.isfinite(of_arm["value"]), "seed"].nunique()
            counts = {places[0]: lost}
            divergences.append(Divergence(arm_name(*arm), arm_look(*arm), of_arm["seed"].nunique(), counts))
    mark_diverged(axes, divergences)
