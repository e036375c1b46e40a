"""Figure: how many steps networks take to learn, against what each estimator says of them at the start."""

from math import isfinite

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from movingtarget.drawing.style import LOOKS, add_to_title, panels, styled
from movingtarget.estimators import ESTIMATORS
from movingtarget.families import FAMILIES
from movingtarget.figure import Drawing
from movingtarget.settings import AS_DRAWN
from movingtarget.statistics.rank_correlation import rank_correlation
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_information",
    tables=("initial_information",),
    caption="""\
Whether the information between layers at the start foretells how fast a network learns, and by which
estimator: if it did, markers would fall from the upper left to the lower right. Each panel has the same
networks at the same heights, at the number of steps until the minibatch loss, averaged over {{
mutual_information.curve_window }} steps, is at most {{ mutual_information.threshold }} nats (at the top,
those that do not get there in {{ mutual_information.steps }}); only the estimator of the abscissa differs,
in nats, but for centred kernel alignment, between 0 and 1. Where markers stand in one column, at the
logarithm of the number of examples, the estimate is saturated and tells networks no more apart. A marker
is the mean over seeds (number of seeds: {{ mutual_information.seeds | length }}) of one network at one
depth, filled for {{ mutual_information.activations[0] }}, and r is Spearman's rank correlation over all
markers. Made from the middle pair of layers, at unit deviation and noise {{ mutual_information.noise }},
of networks as drawn, {{ mutual_information.depths | join(", ") }} hidden layers deep, each at its own best
learning rate.
""",
)


@styled
def draw(initial: pd.DataFrame) -> Figure:
    """Steps to the threshold against the initial information: a panel for each estimator.

    Args:
        initial: table initial_information.
    """
    arms = where(initial, dial=AS_DRAWN, scaling="deviation")
    arms = arms[(arms["estimator"] != "gaussian") | (arms["noise"] == other_noise(arms))]
    keys = ["estimator", "network", "activation", "depth"]
    means = arms.groupby(keys, sort=False)[["information", "steps"]].mean(skipna=False)
    by_estimator = divide(means.reset_index(), "estimator")
    names = [name for name in ESTIMATORS if name in by_estimator]
    titles = [ESTIMATORS[name].title for name in names]
    figure, grid = panels(titles, columns=3, row_height=4.4, sharey=True)
    for axes, name in zip(grid.flat, names, strict=False):
        _draw(axes, by_estimator[name])
        axes.set_xlabel("information (nats)" if ESTIMATORS[name].in_nats else "similarity")
    for row in grid:
        row[0].set_ylabel("steps to the threshold")
    shown = [name for name in FAMILIES if name in set(arms["network"])]
    markers = [
        Line2D([], [], label=FAMILIES[name].title, **LOOKS[name] | {"linestyle": "none", "markersize": 5})
        for name in shown
    ]
    figure.legend(handles=markers, loc="outside upper center", ncols=4, frameon=False)
    return figure


def other_noise(arms: pd.DataFrame) -> float:
    """The noise at which all estimators read."""
    return float(arms.loc[arms["estimator"] != "gaussian", "noise"].iloc[0])


def _draw(axes: Axes, arms: pd.DataFrame) -> None:
    first = arms["activation"].iloc[0]
    for (network, activation), rows in divide(arms, "network", "activation").items():
        look = {"color": LOOKS[network]["color"], "marker": LOOKS[network]["marker"], "linestyle": "none"}
        fill = look["color"] if activation == first else "white"
        axes.plot(rows["information"], rows["steps"], **look, markerfacecolor=fill, markersize=4)
    correlation = rank_correlation(arms["information"].round(3), arms["steps"]).item()
    add_to_title(axes, f"r = {correlation:.2f}" if isfinite(correlation) else "r undefined")
