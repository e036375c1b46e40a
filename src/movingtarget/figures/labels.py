"""Direct labels: the name of each line beside its end, in place of a legend."""

from colorsys import hls_to_rgb, rgb_to_hls

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from movingtarget.figures.style import FONT_SIZE, LINE_HEIGHT

GAP = 5.0
"""Between a panel's lines and a name beside them, in points."""

LETTER_WIDTH = 0.6 * FONT_SIZE


def label_lines(figure: Figure) -> None:
    """Write the names of all lines to the right of their panel's data, at their ends' heights, none over another.

    A line's name is its matplotlib label; one that begins with an underscore is not written. A hairline
    leads from an end that lies further off to its name. Call this last: it fixes ticks and limits.
    """
    figure.draw_without_rendering()  # only a laid-out figure knows how wide its panels are
    for axes in figure.axes:
        _make_room(axes)
    figure.draw_without_rendering()
    for axes in figure.axes:
        _write_names(axes)


def text_colour(colour: str) -> tuple[float, float, float]:
    """The colour, dark enough for thin letters on white."""
    hue, lightness, saturation = rgb_to_hls(*to_rgb(colour))
    return hls_to_rgb(hue, min(lightness, 0.36), saturation)


def _named(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if not _name(line).startswith("_")]


def _name(line: Line2D) -> str:
    return str(line.get_label())


def _make_room(axes: Axes) -> None:
    """Extend the abscissa's limits to the right of the data, but neither its line nor its ticks."""
    letters = max((len(_name(line)) for line in _named(axes)), default=0)
    needed = 3 * GAP + letters * LETTER_WIDTH
    room = needed / (_size(axes).width - needed)
    low, high = axes.dataLim.intervalx
    transform = axes.xaxis.get_transform()
    start, end = transform.transform([low, high])
    width = end - start or 1.0
    ticks = {minor: axes.get_xticks(minor=minor) for minor in (False, True)}
    axes.set_xlim(*transform.inverted().transform([start - 0.03 * width, end + room * width]))
    for minor, places in ticks.items():
        axes.set_xticks(places[(low <= places) & (places <= high)], minor=minor)
    axes.spines.bottom.set_bounds(axes.get_xlim()[0], high)


def _write_names(axes: Axes) -> None:
    lines = _named(axes)
    right = axes.dataLim.intervalx[1]
    heights = np.array([axes.transData.transform(line.get_xydata()[-1])[1] for line in lines])
    shifts = _shifts(heights * _points(axes), *_size(axes).intervaly)
    offset = GAP if np.all(abs(shifts) < 1) else 3 * GAP
    for line, shift in zip(lines, shifts, strict=True):
        ...


def _points(axes: Axes) -> float:
    """Of a pixel."""
    return 72 / axes.get_figure(root=True).dpi
