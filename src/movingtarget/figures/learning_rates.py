"""Figure: the loss at the end of training against the learning rate."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import arm_look, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_training",
    tables=("training_search",),
    caption="""\
How each arm's learning rate was chosen: compare the lowest points of the curves, which are ringed, and
see that rates to both sides were tried. The abscissa is the learning rate, the ordinate the training loss
at the last step in nats, both logarithmic. Small markers are single seeds, lines their means and bands 95
% intervals of the mean (number of seeds, none of them tested later: {{ training.tuning_seeds | length
}}); crosses above the panel count the seeds that diverged, and where one did there is no mean; hairlines
only lead to names. Made by training every arm for {{ training.epochs }} {{ "epoch" if training.epochs ==
1 else "epochs" }} on {{ dataset }} at {{ training.learning_rates | length }} rates, beyond them while the
best was at an edge, and between them up to a factor of 1.5; evaluated on the first {{
training.evaluation_examples }} training images.
""",
)


@styled
def draw(search: pd.DataFrame) -> Figure:
    """A panel for each depth: final training loss of every seed, mean of every arm, its best rate ringed.

    Args:
        search: table training_search.
    """
    search = search.rename(columns={"train_loss": "value"})
    depths = sorted(search["depth"].unique())
    figure, grid = panels([f"depth {depth}" for depth in depths], columns=2, row_height=6.4, sharey=True)
    divergences = {}
    for axes, depth in zip(grid.flat, depths, strict=False):
        log_axis(axes.xaxis)
        log_axis(axes.yaxis)
        divergences[axes] = _draw_arms(axes, where(search, depth=depth))
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
    best = arm[arm["place"] != "tried"]
    rate, loss = best["learning_rate"].iloc[0], best["value"].mean()
    ring: Look = {"markersize": 8, "markerfacecolor": "none", "markeredgecolor": DARK, "markeredgewidth": 0.8}
    axes.plot(rate, loss, "o", label="_", **ring)
