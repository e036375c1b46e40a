"""Figure: how well information at the start orders networks by speed, by what varies and who estimates."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from movingtarget.drawing.moving_target import middle
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
line at 0, networks with more information between their layers at the start reach the threshold of the
loss in fewer steps, as claimed; right of it in more. The abscissa is Spearman's rank correlation over
networks and depths, with depth, or depth and the scale of activations, partialled out. In (a) and (b)
networks differ by their structure, or by one dial of the initial weights of one structure, read by the
Gaussian estimate; in (c) they differ by structure, and rows by estimator, noise and scaling of layers
(unit deviation or root mean square). Markers are means over seeds, bars their 95 % intervals (number of
seeds: {{ mutual_information.seeds | length }}), and a row without a marker is undefined. Made from the
middle pair of layers.
""",
)

READING = ("estimator", "noise", "scaling")

Reading = tuple[str, float, str]

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
    """Correlations of initial information with steps: by what varies, for either control, and by estimator.

    Args:
        prediction: table information_prediction.
    """
    shown = where(prediction, outcome="steps")
    usual, activations = where(shown, **_usual(shown)), [*divide(shown, "activation")]
    varied, readings = [*divide(usual, "varied")], readings_of(shown)
    titles = [*(f"{controlled} held" for controlled in CONTROLLED), "by estimator"]
    figure, (row,) = panels(titles, columns=3, row_height=7.4, widths=[1, 1, 1.1])
    for axes, controlled in zip(row, CONTROLLED, strict=False):
        rows = where(usual, controlled=controlled)
        draw_rows(axes, {name: where(rows, varied=name) for name in varied}, activations)
    of_structures = where(shown, varied=varied[0], controlled=CONTROLLED[-1])
    draw_rows(row[2], by_reading(of_structures, readings), activations)
    row[1].set_yticklabels([])
    figure.supxlabel("rank correlation with steps to the threshold")
    add_key(figure, activations)
    return figure


def _usual(rows: pd.DataFrame) -> dict[str, Any]:
    """The reading by which networks are compared: the Gaussian one of the middle noise, at unit deviation."""
    gaussian = where(rows, estimator="gaussian", scaling="deviation")
    return {"estimator": "gaussian", "scaling": "deviation", "noise": middle(gaussian["noise"])}


def draw_rows(axes: Axes, rows: Mapping[str, pd.DataFrame], activations: Sequence[str]) -> None:
    """Correlations of each row, by its name, on one abscissa."""
    axes.axvline(0, color=GREY, linewidth=0.8)
    for place, table in enumerate(rows.values()):
        _draw_row(axes, table, activations, place)
    axes.set_yticks(range(len(rows)), [*rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(-1.05, 1.05)


def by_reading(rows: pd.DataFrame, readings: list[Reading]) -> dict[str, pd.DataFrame]:
    """The rows of each reading, by its name."""
    return {
        _name(reading, readings): where(rows, **dict(zip(READING, reading, strict=True)))
        for reading in readings
    }


def readings_of(prediction: pd.DataFrame) -> list[Reading]:
    """Estimator, noise and scaling of every reading there is, in the order of estimators."""
    ordered = prediction.sort_values("estimator", key=_order, kind="stable")
    return [*divide(ordered, *READING)]


def add_key(figure: Figure, activations: Sequence[str]) -> None:
    """What the markers of a row stand for."""
    keys = [
        Line2D([], [], linestyle="none", label=activation, **look)
        for activation, look in zip(activations, LOOKS, strict=False)
    ]
    figure.legend(handles=keys, loc="outside upper right", ncols=2, frameon=False)


def _order(names: pd.Series) -> pd.Series:
    return names.map([*ESTIMATORS].index)


def _name(reading: Reading, readings: list[Reading]) -> str:
    """An estimator's title, with noise and scaling where it was tried with several."""
    estimator, noise, scaling = reading
    several = sum(other == estimator for other, _, _ in readings) > 1
    title = ESTIMATORS[estimator].title
    return f"{title}, {noise:g} {SCALINGS[scaling]}" if several else title


def _draw_row(axes: Axes, rows: pd.DataFrame, activations: Sequence[str], place: int) -> None:
    """A marker with its interval for each activation."""
    for shift, (activation, look) in enumerate(zip(activations, LOOKS, strict=False)):
        mean, low, high = mean_interval(where(rows, activation=activation)["value"])
        height = place + APART * (shift - (len(activations) - 1) / 2)
        if low < high:
            axes.plot([low, high], [height, height], color=look["color"], linewidth=0.8)
        axes.plot([mean], [height], linestyle="none", markersize=3.6, **look)
