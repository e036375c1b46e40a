"""What figures of curves over seeds share: mean and band, what is undefined, what diverged, log axes."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from movingtarget.drawing.labels import text_colour
from movingtarget.drawing.notes import note_markers
from movingtarget.drawing.style import LINE_HEIGHT, add_to_title, arm_look, arm_name
from movingtarget.look import Look
from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide


def draw_curve(axes: Axes, rows: pd.DataFrame, x: str, name: str, look: Look) -> None:
    """Mean over seeds of column value against `x`, with its 95 % band.

    Where a seed has no finite value the curve has a gap, and on a logarithmic axis where the mean is zero.

    Args:
        axes: where to draw, the scale of its y axis already set.
        rows: one curve's, one for each seed and value of `x`.
        x: the column along the abscissa.
        name: what stands at the line's end (see `labels`); nothing if it begins with an underscore.
        look: of the line.
    """
    gaps = missing(axes, rows, x)
    intervals = {place: mean_interval(of_place["value"]) for place, of_place in rows.groupby(x)}
    intervals |= dict.fromkeys(gaps, Interval(np.nan, np.nan, np.nan))
    if len(gaps) == len(intervals):
        return
    places = np.array([*intervals], dtype=float)
    mean, low, high = np.transpose([*intervals.values()])
    step = 1 if gaps else max(1, len(places) // 8)
    (line,) = axes.plot(places, mean, label=name, **look | {"markeredgewidth": 0, "markevery": step})
    shown = [interval for interval in [*intervals.values()][::step] if np.isfinite(interval.estimate)]
    note_markers(line, shown, rows["seed"].nunique())
    if not np.isnan(low).all():
        axes.fill_between(places, low, high, color=look["color"], alpha=0.2, linewidth=0)


def draw_arms(axes: Axes, rows: pd.DataFrame, x: str) -> None:
    """The curve of every arm in `rows`; where one has none, the panel's title says so."""
    for (network, update_rule), arm in divide(rows, "network", "update_rule").items():
        name = arm_name(network, update_rule)
        draw_curve(axes, arm, x, name, arm_look(network, update_rule))
        name_missing(axes, arm, x, name)


def missing(axes: Axes, rows: pd.DataFrame, x: str) -> list[float]:
    """Values of `x` at which `draw_curve` draws nothing."""
    means = rows["value"].groupby(rows[x]).mean(skipna=False)
    drawn = np.isfinite(means) & ((means > 0) | (axes.get_yscale() == "linear"))
    return sorted(means.index[~drawn])


def name_missing(axes: Axes, rows: pd.DataFrame, x: str, name: str, letters: int = 44) -> None:
    """Say in the panel's title, so many letters a line, at which whole numbers `x` a curve is missing."""
    if places := missing(axes, rows, x):
        rows = rows[rows[x].isin(places)]
        undefined = rows[~np.isfinite(rows["value"])]
        what, bad = ("zero", rows) if undefined.empty else ("undefined", undefined)
        share = f"{bad['seed'].nunique()}/{rows['seed'].nunique()} seeds"
        add_to_title(axes, fill(f"{name} {what} at {x} {_ranges(places)} ({share})", letters))


def _ranges(numbers: Sequence[float]) -> str:
    """Ascending whole numbers in short: "1 to 3, 7"."""
    runs = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    ends = [(run[0][1], run[-1][1]) for run in ([*members] for _, members in runs)]
    return ", ".join(f"{first} to {last}" if last > first else str(first) for first, last in ends)


class Divergence(NamedTuple):
    """How many of a curve's seeds diverged, by place on the abscissa."""

    name: str
    look: Look
    seeds: int
    counts: dict[float, int]


def mark_diverged(panels: Mapping[Axes, Sequence[Divergence]]) -> None:
    """Crosses with their counts just above each panel's top edge, beyond its scale; a row for each curve."""
    rows = max(len(divergences) for divergences in panels.values())
    for axes, divergences in panels.items():
        for row, divergence in enumerate(reversed(divergences)):
            _cross(axes, divergence, (row + 0.6) * LINE_HEIGHT)
        if divergences:
            middle = (-4, 0.5 * (len(divergences) + 0.2) * LINE_HEIGHT)
            axes.annotate(
                "diverged", (0, 1), middle, "axes fraction", "offset points", ha="right", va="center"
            )
        if rows:
            axes.set_title(axes.get_title(loc="left"), loc="left", pad=(rows + 0.6) * LINE_HEIGHT)


def _cross(axes: Axes, divergence: Divergence, height: float) -> None:
    """Crosses with counts, the last with the curve's name, `height` points above the panel."""
    name, look, seeds, counts = divergence
    place = axes.get_xaxis_transform() + ScaledTranslation(0, height / 72, axes.figure.dpi_scale_trans)
    cross: Look = {"marker": "x", "markersize": 4, "linestyle": "none", "clip_on": False, "label": "_"}
    axes.plot([*counts], [1] * len(counts), color=look["color"], transform=place, **cross)
    for x, count in counts.items():
        text = f"{count}/{seeds}" + (f" {name}" if x == max(counts) else "")
        ink = text_colour(look["color"])
        axes.annotate(text, (x, 1), (4, 0), place, "offset points", color=ink, va="center_baseline")


def keep_within(axes: Axes, least: float, greatest: float) -> None:
    """Limits of the ordinate no further than these: bands may reach beyond what values can be."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, least), min(high, greatest))


def log_axis(axis: Axis) -> None:
    """Make an axis logarithmic, with plain numbers on it."""
    axes = axis.axes
    axes.set_xscale("log") if axis is axes.xaxis else axes.set_yscale("log")
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(_PlainLogFormatter(minor_thresholds=(2, 0.5)))


def log_ordinate(axes: Axes) -> None:
    """A logarithmic ordinate with numbers at 1 and 3 times powers of ten, for panels too low for more."""
    log_axis(axes.yaxis)
    axes.yaxis.set_major_locator(_OnesAndThrees(subs=(1, 3)))
    axes.yaxis.set_minor_formatter(NullFormatter())


class _OnesAndThrees(LogLocator):
    """Powers of ten alone where there is no room for every one, for which matplotlib has no ticks at all."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        ticks = super().tick_values(vmin, vmax)
        if len(ticks):
            return ticks
        powers = LogLocator()
        powers.set_axis(self.axis)
        return powers.tick_values(vmin, vmax)


class _PlainLogFormatter(LogFormatter):
    """Matplotlib's choice of which ticks have a number, but 0.3 instead of 3e-01."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""
