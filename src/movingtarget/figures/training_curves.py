"""Figure: loss and accuracy in the course of training, each arm at its own best learning rate."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged, missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import arm_look, arm_name, extremes, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_training",
    tables=("training",),
    caption="""\
How fast the families learn: compare the curves at equal steps in the first row, at equal cost in the
second, and where their test accuracy leads in the third. The loss is in nats, each point the mean over {{
training.curve_window }} minibatches; one gradient evaluation is one gradient of every parameter on one
minibatch, of which a step of LocoProp takes {{ locoprop.iterations }}; the accuracy, in per cent, is
drawn from the first evaluation after step 0 on. Lines are means over seeds and bands their 95 % intervals
(number of seeds: {{ training.seeds | length }}); hairlines only lead to names, and where seeds of an arm
diverge its line ends, under a cross that gives their number. Made by training the shallowest and the
deepest networks for {{ training.epochs }} {{ "epoch" if training.epochs == 1 else "epochs" }} on {{
dataset }}, each arm at its own best learning rate, chosen on {{ training.tuning_seeds | length }} other
seeds to within a factor of 1.5.
""",
)


@styled
def draw(training: pd.DataFrame) -> Figure:
    """Loss by steps and by gradient evaluations, accuracy by steps, of the shallowest and deepest networks.

    Args:
        training: table training.
    """
    depths = extremes(training["depth"])
    titles = [f"depth {depth}" for depth in depths] * 3
    figure, grid = panels(titles, columns=len(depths), row_height=5.2, sharey="row")
    divergences: dict[Axes, list[Divergence]] = {}
    for (loss, cost, accuracy), depth in zip(grid.T, depths, strict=True):
        divergences |= _draw_depth(loss, cost, accuracy, where(training, depth=depth))
    mark_diverged(divergences)
    for axes, label in zip(grid[:, 0], ["minibatch loss (nats)"] * 2 + ["test accuracy (%)"], strict=True):
        axes.set_ylabel(label)
    label_lines(figure)
    return figure


def _draw_depth(loss: Axes, cost: Axes, accuracy: Axes, rows: pd.DataFrame) -> dict[Axes, list[Divergence]]:
    batches = where(rows, quantity="batch_loss")
    tests = where(rows[rows["step"] > 0], quantity="test_accuracy")
    for axis in (loss.yaxis, cost.yaxis, cost.xaxis):
        log_axis(axis)
    cost.xaxis.set(major_locator=LogLocator(subs=(1, 3)), minor_formatter=NullFormatter())
    divergences = {
        loss: _draw_arms(loss, batches, "step"),
        cost: _draw_arms(cost, batches, "gradient_evaluations"),
        accuracy: _draw_arms(accuracy, tests.assign(value=100 * tests["value"]), "step"),
    }
    cost.set_xlabel("cost (gradient evaluations)")
    for axes in (loss, accuracy):
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlabel("step (minibatches)")
    return divergences


def _draw_arms(axes: Axes, rows: pd.DataFrame, x: str) -> list[Divergence]:
    """The curve of every arm up to where a seed of it diverges, and what diverges there."""
    divergences = []
    for arm, of_arm in divide(rows, "network", "update_rule").items():
        name, look = arm_name(*arm), arm_look(*arm)
        draw_curve(axes, of_arm, x, name, look)
        if places := missing(axes, of_arm, x):
            lost = of_arm.loc[~np.isfinite(of_arm["value"]), "seed"].nunique()
            divergences.append(Divergence(name, look, of_arm["seed"].nunique(), {places[0]: lost}))
    return divergences
