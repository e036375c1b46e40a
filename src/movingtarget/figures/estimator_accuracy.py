"""Figure: what estimators of mutual information say of samples whose information is known."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.labels import text_colour
from movingtarget.drawing.moving_target import middle
from movingtarget.drawing.style import panels, styled
from movingtarget.estimators import ESTIMATORS, TRUTH_LOOK
from movingtarget.figure import Drawing
from movingtarget.look import GREY
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_information",
    tables=("estimator_accuracy",),
    caption="""\
Which estimator to trust where: see whether an estimator's marks lie on the thin dark line, the truth,
whatever the relation, and whether they leave it as columns are added. A panel is one relation of two
layers, a row one estimator, whose marks are, from the top down, of {{ estimator_accuracy.dimensions |
join(", ") }} columns on each side, hollow where the number of examples decided. The abscissa is the
estimate over the truth, held within 0 and 2, or, for shuffled examples, whose truth is 0, the estimate in
nats, with the logarithm of the number of examples as a grey line. Marks are means over seeds and bars
their 95 % intervals (number of seeds: {{ estimator_accuracy.seeds | length }}). Made with {{
estimator_accuracy.examples }} examples of Gaussian units with themselves, with variances that decay, with
their magnitudes, cubed, of uniform units and of shuffled ones, through noise of {{
(estimator_accuracy.noises | sort)[(estimator_accuracy.noises | length - 1) // 2] }} of a unit's size.
""",
)

TITLES = {
    "gaussian": "Gaussian",
    "decaying": "decaying",
    "absolute": "(x, |x|)",
    "cubed": "cubed",
    "uniform": "uniform",
    "permuted": "shuffled",
}

MOST = 2.0
"""Times the truth: more stands on the edge."""

MARGIN = 0.07
"""Of the abscissa, on either side."""

ROOM = 0.5
"""Of a row, on either side of its middle, for its dimensions."""


@styled
def draw(accuracy: pd.DataFrame) -> Figure:
    """A panel for each task, at the middle one of the noises; in each, a row of marks for each estimator.

    Args:
        accuracy: table estimator_accuracy.
    """
    return draw_noises(accuracy, [middle(accuracy["noise"])])


@styled
def draw_noises(accuracy: pd.DataFrame, noises: Sequence[float]) -> Figure:
    """A column of panels for each task, a row for each of these noises."""
    tasks = [task for task in TITLES if task in set(accuracy["task"])]
    dimensions = sorted(accuracy["dimension"].unique())
    estimators = [name for name in ESTIMATORS if name in set(accuracy["estimator"])]
    titles = [TITLES[task] if noise == noises[0] else "" for noise in noises for task in tasks]
    figure, grid = panels(titles, len(tasks), row_height=1.0 + 0.64 * len(estimators), sharey=True)
    heights = dict(zip(dimensions, np.linspace(-ROOM, ROOM, len(dimensions) + 2)[1:-1], strict=True))
    for row, noise in zip(grid, noises, strict=True):
        for axes, task in zip(row, tasks, strict=True):
            shown = where(accuracy, task=task, noise=noise)
            _draw_truth(axes, shown)
            for place, name in enumerate(estimators):
                _draw_row(axes, where(shown, estimator=name), name, place, heights)
        row[0].set_ylabel(f"noise {noise:g}" if len(noises) > 1 else "")
        _name_rows(row[0], estimators)
    for axes, task in zip(grid[-1], tasks, strict=True):
        axes.set_xlabel("nats" if task == "permuted" else "estimate/truth")
    return figure


def _draw_truth(axes: Axes, rows: pd.DataFrame) -> None:
    """The truth and the abscissa: relative to it or, if it is 0, in nats, with the highest ceiling."""
    relative = (rows["truth"] > 0).all()
    axes.axvline(float(relative), zorder=0.5, **TRUTH_LOOK)
    if relative:
        axes.set_xlim(-MARGIN * MOST, (1 + MARGIN) * MOST)
        axes.set_xticks([0, 1, MOST], ["0", "1", f"≥{MOST:g}"])
    else:
        ceiling = rows["ceiling"][np.isfinite(rows["ceiling"])].max()
        axes.axvline(ceiling, color=GREY, linewidth=0.8, zorder=0.5)
        axes.set_xlim(-MARGIN * ceiling, (1 + MARGIN) * ceiling)


def _draw_row(
    axes: Axes, rows: pd.DataFrame, estimator: str, place: int, heights: Mapping[int, float]
) -> None:
    """An estimator's means and intervals, dimensions from the top down; hollow if a seed's is saturated."""
    axes.axhline(place, color=GREY, linewidth=0.3, zorder=0)
    relative, look = (rows["truth"] > 0).all(), ESTIMATORS[estimator].look
    for dimension, of_dimension in divide(rows, "dimension").items():
        interval = mean_interval(of_dimension["relative" if relative else "value"])
        mean, low, high = np.clip(interval, 0, MOST) if relative else interval
        height = place + heights[dimension]
        axes.hlines(height, low, high, color=look["color"], linewidth=0.8)
        axes.plot(
            mean,
            height,
            marker=look["marker"],
            color=look["color"],
            markerfacecolor="white" if of_dimension["saturated"].any() else look["color"],
            markeredgewidth=0.6,
        )


def _name_rows(axes: Axes, estimators: Sequence[str]) -> None:
    axes.set_ylim(len(estimators) - 0.5, -0.5)
    titles = [ESTIMATORS[name].title.replace(", 3", ",\n3") for name in estimators]
    axes.set_yticks(range(len(estimators)), titles, linespacing=0.85)
    for label, name in zip(axes.get_yticklabels(), estimators, strict=True):
        label.set(color=text_colour(ESTIMATORS[name].look["color"]))
