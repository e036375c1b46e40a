"""What figures share that have a row for each arm: a mean with its interval, few ticks below."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter

from movingtarget.drawing.labels import text_colour
from movingtarget.drawing.notes import note_markers
from movingtarget.look import Look
from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.means import mean_interval


def draw_mean(axes: Axes, values: pd.Series, height: float, look: Look) -> None:
    """The mean over seeds and its interval at a height; if seeds diverged, a cross at the right edge instead.

    Args:
        axes: where to draw.
        values: one for each seed.
        height: of the row, or of the marker in it.
        look: of the marker; its colour is that of the bar, too.
    """
    if lost := int((~np.isfinite(values)).sum()):
        text, place = f"x {lost}/{len(values)}", axes.get_yaxis_transform()
        axes.text(1, height, text, color=text_colour(look["color"]), transform=place, ha="right", va="center")
        return
    mean, low, high = mean_interval(values)
    if low < high:
        axes.plot([low, high], [height, height], color=look["color"], linewidth=0.8, label="_")
    (marker,) = axes.plot([mean], [height], **look | {"linestyle": "none", "label": "_"})
    note_markers(marker, [Interval(mean, low, high)], len(values))


def thin_out_ticks(axes: Axes) -> None:
    """Few round numbers on the abscissa, which is logarithmic, for what is drawn by now."""
    low, high = axes.get_xlim()
    if low > 0:  # else there is nothing
        ticks = FixedLocator(few_ticks(low, high))
        axes.xaxis.set(major_locator=ticks, minor_formatter=NullFormatter())


def few_ticks(low: float, high: float) -> list[float]:
    """Round numbers on a short logarithmic axis, few enough for their labels not to meet.

    >>> few_ticks(0.008, 0.3), few_ticks(0.02, 0.2), few_ticks(0.15, 0.6)
    ([0.01, 0.1], [0.03, 0.1], [0.2, 0.5])
    """
    decades = np.log10(high / low)
    if decades < 0.4:
        return [tick for tick in MaxNLocator(3).tick_values(low, high) if low <= tick <= high]
    digits = [1] if decades > 1.3 else [1, 3] if decades > 0.7 else [1, 2, 5]
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]
