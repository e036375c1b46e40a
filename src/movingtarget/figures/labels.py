"""Direct labels: the name of each line at its end, in place of a legend."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.optimize import isotonic_regression

from movingtarget.figures.style import LINE_HEIGHT

GAP = 5.0
"""Between a line's end and its name, in points."""


def label_lines(figure: Figure, room: float) -> None:
    """Write the name of every line at its end in every panel, so that names neither overlap nor leave it.

    A line's name is its matplotlib label; lines whose label begins with an underscore have none. Call this
    last: it fixes ticks and limits.

    Args:
        figure: with all its lines drawn.
        room: for the names, to the right of the data, as a share of the data's width.
    """
    for axes in figure.axes:
        _make_room(axes, room)
    figure.draw_without_rendering()  # only a laid-out figure knows where its lines end
    for axes in figure.axes:
        _label_lines(axes)


def text_colour(colour: str) -> tuple[float, float, float]:
    """The colour, darker: thin strokes of letters look paler than lines."""
    red, green, blue = to_rgb(colour)
    return 0.75 * red, 0.75 * green, 0.75 * blue


def _make_room(axes: Axes, room: float) -> None:
    """Extend the abscissa's limits but not its line and ticks."""
    low, high = axes.dataLim.intervalx
    transform = axes.xaxis.get_transform()
    start, end = transform.transform([low, high])
    width = end - start or 1.0
    left, right = transform.inverted().transform([start - 0.03 * width, end + room * width])
    ticks = {minor: axes.get_xticks(minor=minor) for minor in (False, True)}
    axes.set_xlim(left, right)
    for minor, places in ticks.items():
        axes.set_xticks(places[(low <= places) & (places <= high)], minor=minor)
    axes.spines.bottom.set_bounds(left, high)


def _label_lines(axes: Axes) -> None:
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    if not lines:
        return
    points = 72 / axes.get_figure(root=True).dpi
    ends = np.array([axes.transData.transform(_end(line)) for line in lines]) * points
    bottom, top = (side * points for side in axes.bbox.intervaly)
    heights = _spread(ends[:, 1], LINE_HEIGHT, bottom, top)
    for line, shift in zip(lines, heights - ends[:, 1], strict=True):
        colour = line.get_color()
        leader = {"arrowstyle": "-", "linewidth": 0.5, "color": colour, "shrinkA": 1, "shrinkB": 2}
        axes.annotate(
            str(line.get_label()),
            _end(line),
            (GAP + min(abs(shift), GAP), shift),
            textcoords="offset points",
            color=text_colour(colour),
            va="center",
            arrowprops=leader if abs(shift) > LINE_HEIGHT / 4 else None,
        )


def _end(line: Line2D) -> tuple[float, float]:
    x, y = np.asarray(line.get_xydata())[-1]
    return x, y


def _spread(heights: np.ndarray, gap: float, bottom: float, top: float) -> np.ndarray:
    """Heights nearest to the given ones (in sum of squares), in their order, at least `gap` apart."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    spread = isotonic_regression(heights[order] - steps).x
    kept = np.clip(spread, bottom, max(bottom, top - steps[-1]))
    result = np.empty_like(heights)
    result[order] = kept + steps
    return result
