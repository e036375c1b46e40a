"""Direct labels: the name of each line beside its end, in place of a legend."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from movingtarget.drawing.style import FONT_SIZE, LINE_HEIGHT, lay_out

GAP = 5.0
"""Between a panel's lines and a name beside them, in points."""

LETTER_WIDTH = 0.6 * FONT_SIZE


def label_lines(figure: Figure) -> None:
    """Write the name of every line to the right of its panel's data, at its end's height, none over another.

    A line's name is its matplotlib label; one that begins with an underscore is not written. A hairline
    leads from an end that lies further off to its name. Call this last: it fixes ticks and limits.
    """
    lay_out(figure)  # only a laid-out figure knows how wide its panels are
    for axes in figure.axes:
        if axes.lines:
            _make_room(axes)
        else:
            axes.text(0.5, 0.5, "nothing to draw", transform=axes.transAxes, ha="center")
    figure.set_layout_engine(None)  # panels keep their places: names lie in the room made for them
    for axes in figure.axes:
        _write_names(axes)


def text_colour(colour: str) -> tuple[float, ...]:
    """The colour, dark enough for small letters on white: a contrast of at least 4.5, as in WCAG 2.1."""
    channels = np.array(to_rgb(colour))
    luminance = np.array([0.2126, 0.7152, 0.0722]) @ channels**2.2
    return tuple(channels * (0.17 / max(0.17, float(luminance))) ** (1 / 2.2))


def _named(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if not _name(line).startswith("_")]


def _name(line: Line2D) -> str:
    return str(line.get_label())


def _extent(axes: Axes) -> tuple[float, float]:
    places = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in axes.lines])
    seen = places[np.isfinite(places)]
    return seen.min(), seen.max()


def _make_room(axes: Axes) -> None:
    """Extend the abscissa's limits to the right of the data, but not its line, ticks and label."""
    letters = max((len(_name(line)) for line in _named(axes)), default=0)
    needed = 3 * GAP + letters * LETTER_WIDTH
    low, high = _extent(axes)
    transform = axes.xaxis.get_transform()
    start, end = transform.transform([low, high])
    width = end - start or 1.0
    room = width * needed / (axes.bbox.width - needed)
    ticks = {minor: axes.get_xticks(minor=minor) for minor in (False, True)}
    axes.set_xlim(*transform.inverted().transform([start - 0.03 * width, end + room]))
    for minor, places in ticks.items():
        axes.set_xticks(places[(low <= places) & (places <= high)] if low < high else [low], minor=minor)
    axes.spines.bottom.set_bounds(axes.get_xlim()[0], high)
    axes.xaxis.label.set_x(0.5 * width / (width + room))


def _end(line: Line2D) -> NDArray[np.float64]:
    """The last point of a line that is drawn."""
    points = np.asarray(line.get_xydata())
    last: NDArray[np.float64] = points[np.isfinite(points).all(axis=1)][-1]
    return last


def _write_names(axes: Axes) -> None:
    lines = _named(axes)
    if not lines:
        return
    right = _extent(axes)[1]
    ends = np.array([_end(line) for line in lines])
    heights = axes.transData.transform(ends)[:, 1]
    shifts = _spread(heights, LINE_HEIGHT, *axes.bbox.intervaly) - heights
    gap = GAP if abs(shifts).max() < LINE_HEIGHT / 4 else 3 * GAP
    for line, (x, y), shift in zip(lines, ends, shifts, strict=True):
        colour = to_hex(line.get_color())
        hairline = {
            **{"arrowstyle": "-", "linewidth": 0.4, "color": colour, "shrinkA": 1, "shrinkB": 2},
            "relpos": (0, 0.5),  # from the name's left edge, lest it cross other names
        }
        axes.annotate(
            _name(line),
            (right, y),
            (gap, shift),
            textcoords="offset points",
            color=text_colour(colour),
            va="center",
            arrowprops=hairline if gap > GAP else None,
        )
        if x < right:
            axes.plot([x, right], [y, y], color=colour, linewidth=0.4, label="_")


def _spread(heights: NDArray[np.float64], gap: float, bottom: float, top: float) -> NDArray[np.float64]:
    """The heights nearest to the given ones (least squares) that keep their order and lie `gap` apart."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    spread = isotonic_regression(heights[order] - steps).x
    result = np.empty_like(heights)
    result[order] = np.clip(spread, bottom, max(bottom, top - steps[-1])) + steps
    return result
