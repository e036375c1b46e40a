"""Figure: the loss at the end of training against the learning rate."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import arm_look, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.best_rate import best_learning_rate
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_training",
    tables=("training",),
    caption="""\
How the loss at the end depends on the learning rate: compare the lowest points of the curves, which are
ringed, and how far to the right each curve reaches before it rises or ends. The abscissa is the
learning rate, the ordinate the training loss at the last step in nats, both logarithmic. Small markers
are single seeds, lines their means and bands 95 % intervals of the mean (number of seeds: {{
training.seeds | length }}); crosses above the panel count the seeds that diverged, and where one did
there is no mean; hairlines only lead to names. Made by training every arm at {{ training.learning_rates
| length }} rates for {{ training.epochs }} epochs on {{ dataset }} and evaluating on the first {{
training.evaluation_examples }} training images.
""",
)

ARM = ["network", "depth", "update_rule"]


@styled
def draw(training: pd.DataFrame) -> Figure:
    """A panel for each depth: final training loss of every member, mean of every arm, its best rate ringed.

    Args:
        training: table training.
    """
    losses = where(training, quantity="train_loss")
    last = losses[losses["step"] == losses.groupby(ARM)["step"].transform("max")]
    depths = sorted(last["depth"].unique())
    figure, grid = panels([f"depth {depth}" for depth in depths], columns=2, row_height=6.4, sharey=True)
    divergences = {}
    for axes, depth in zip(grid.flat, depths, strict=False):
        log_axis(axes.xaxis)
        log_axis(axes.yaxis)
        rows = where(last, depth=depth)
        divergences[axes] = _draw_arms(axes, rows)
        _mark_rates(axes, rows["learning_rate"].unique().tolist())
        axes.set_xlabel("learning rate")
    mark_diverged(divergences)
    for axes in grid[:, 0]:
        axes.set_ylabel("final training loss (nats)")
    label_lines(figure)
    return figure


def _draw_arms(axes: Axes, rows: pd.DataFrame) -> list[Divergence]:
    """Seeds, curve and ring of every arm, and what diverged."""
    divergences = []
    for arm, of_arm in divide(rows, "network", "update_rule").items():
        name, look = arm_name(*arm), arm_look(*arm)
        finite = of_arm[np.isfinite(of_arm["value"])]
        dots: Look = {"linestyle": "none", "markersize": 2, "alpha": 0.5, "label": "_"}
        axes.plot(finite["learning_rate"], finite["value"], **look | dots)
        draw_curve(axes, of_arm, "learning_rate", name, look)
        _ring_best(axes, of_arm)
        if len(finite) < len(of_arm):
            counts = of_arm.drop(finite.index).groupby("learning_rate").size().to_dict()
            divergences.append(Divergence(name, look, of_arm["seed"].nunique(), counts))
    return divergences


def _ring_best(axes: Axes, arm: pd.DataFrame) -> None:
    rate = best_learning_rate(arm)
    loss = where(arm, learning_rate=rate)["value"].mean(skipna=False)
    ring: Look = {"markersize": 8, "markerfacecolor": "none", "markeredgecolor": DARK, "markeredgewidth": 0.8}
    axes.plot(rate, loss, "o", label="_", **ring)


def _mark_rates(axes: Axes, rates: list[float]) -> None:
    """Ticks at the learning rates that were tried, or at some of them."""
    shown = sorted(rates)[:: -(-len(rates) // 6)]
    axes.set_xticks(shown, [f"{rate:g}" for rate in shown])
    axes.xaxis.set_minor_locator(NullLocator())
