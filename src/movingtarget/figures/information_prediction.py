"""Figure: how well the information at the start orders networks by speed, by estimator and what varies."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from movingtarget.drawing.style import panels, styled
from movingtarget.estimators import ESTIMATORS
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_information",
    tables=("information_prediction",),
    caption="""\
Does the verdict on the claim depend on what is varied, on what is held, and on who estimates? Left of the
line at 0, networks with more information between their layers at the start reach the threshold of the loss
in fewer steps, as claimed; right of it in more. A row is an estimator, with the noise and the scaling of
layers where several were tried (layers at unit deviation or root mean square), and the abscissa Spearman's
rank correlation over networks and depths, with depth, on the right also the scale of activations,
partialled out; from top to bottom networks differ by their structure, or by one dial of the initial
weights of one structure, the gain of orthogonal weights, the scale of residual branches or the rank of
hidden weights. Markers are means over seeds, bars their 95 % intervals (number of seeds: {{
mutual_information.seeds | length }}), and a row without a marker is undefined, because a dial does not
move the information or what is held determines it. Made from the middle pair of layers.
""",
)

READING = ("estimator", "noise", "scaling")

SCALINGS = {"deviation": "dev.", "root-mean-square": "r.m.s."}

CONTROLLED = ("depth", "depth and scale")

LOOKS: tuple[Look, ...] = (
    {"color": "#0072B2", "marker": "o"},
    {"color": "#D55E00", "marker": "s", "markerfacecolor": "white"},
)
"""Of the first and the second activation."""

APART = 0.3
"""Between the markers of a row, in rows."""


@styled
def draw(prediction: pd.DataFrame) -> Figure:
    """Correlations of initial information with steps: a panel for what varies, a row for each estimator.

    Args:
        prediction: table information_prediction.
    """
    shown = where(prediction, outcome="steps")
    varied, activations = divide(shown, "varied"), [*divide(shown, "activation")]
    ordered = shown.sort_values("estimator", key=_order, kind="stable")
    readings = [*divide(ordered, *READING)]
    titles = [f"{name}, {controlled} held" for name in varied for controlled in CONTROLLED]
    figure, grid = panels(titles, columns=2, row_height=1.0 + 0.29 * len(readings), sharex=True, sharey=True)
    for row, rows in zip(grid, varied.values(), strict=True):
        for axes, controlled in zip(row, CONTROLLED, strict=True):
            axes.axvline(0, color=GREY, linewidth=0.8)
            for place, reading in enumerate(readings):
                named = dict(zip(READING, reading, strict=True))
                _draw_row(axes, where(rows, controlled=controlled, **named), activations, place)
    grid[0, 0].set_yticks(range(len(readings)), [_name(reading, readings) for reading in readings])
    grid[0, 0].set_ylim(len(readings) - 0.4, -0.6)
    grid[0, 0].set_xlim(-1.05, 1.05)
    for axes in grid[-1]:
        axes.set_xlabel("rank correlation with steps")
    keys = [
        Line2D([], [], linestyle="none", label=activation, **look)
        for activation, look in zip(activations, LOOKS, strict=False)
    ]
    figure.legend(handles=keys, loc="outside upper right", ncols=2, frameon=False)
    return figure


def _order(names: pd.Series) -> pd.Series:
    return names.map([*ESTIMATORS].index)


def _name(reading: tuple[str, float, str], readings: list[tuple[str, float, str]]) -> str:
    """An estimator's title, with noise and scaling where it was tried with several."""
    estimator, noise, scaling = reading
    several = sum(other == estimator for other, _, _ in readings) > 1
    title = ESTIMATORS[estimator].title
    return f"{title}, {noise:g} {SCALINGS[scaling]}" if several else title


def _draw_row(axes: Axes, rows: pd.DataFrame, activations: list[str], place: int) -> None:
    """A marker with its interval for each activation."""
    for shift, (activation, look) in enumerate(zip(activations, LOOKS, strict=False)):
        mean, low, high = mean_interval(where(rows, activation=activation)["value"])
        height = place + APART * (shift - (len(activations) - 1) / 2)
        if low < high:
            axes.plot([low, high], [height, height], color=look["color"], linewidth=0.8)
        axes.plot([mean], [height], linestyle="none", markersize=3.6, **look)
