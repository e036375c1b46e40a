"""The two figures of a probe's page: what was tried, and all layers, a panel a quantity."""

import math
import re
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from movingtarget.drawing.style import CENTIMETRE, styled
from movingtarget.look import DARK, GREY
from movingtarget.probing.quantities import OF_LAYER, Quantity
from movingtarget.probing.result import Band, Layer, Result, Trial
from movingtarget.probing.wording import (
    MINUS,
    beyond,
    effect,
    holders,
    in_trouble,
    interval,
    number,
    short_names,
    shortened,
    trial_title,
    tried,
    typeset,
    untried,
)
from movingtarget.statistics.bootstrap import Interval

WIDTH = 18 * CENTIMETRE
"""Of the text on a probe's page."""

SMALL, NAMED = 6.5, 7.5
"""Of text in a probe's figures, and of names of trials, in points."""

POINT = 1 / 72
"""In inches."""

PANELS = (
    *(
        "weight_gain",
        "activation_size",
        "dead_share",
        "gradient_norm",
        "gradient_rank",
        "gradient_correlation",
    ),
    *("update_ratio", "kept_alone", "target_shift", "information_kept"),
)
"""Of all quantities of a layer: those that are drawn, if they were measured."""

USUAL, TROUBLE = "#dcdcdc", "#fdebc8"
INSIDE, OUTSIDE = {"color": DARK, "marker": "o"}, {"color": "#D55E00", "marker": "D"}
EFFECTS = {
    "helped": {"color": "#0072B2", "marker": "o"},
    "harmed": {"color": "#D55E00", "marker": "D"},
    "": {"color": GREY, "marker": "o", "markerfacecolor": "white"},
}
MOST_NAMES = 60
MOST_LETTERS = 28
ROW = 0.62
"""At most, in centimetres."""


class Row(NamedTuple):
    """One measured value at its height in a panel.

    Attributes:
        layer: a layer, or a stretch.
        low, high: of the first and the last of its rows; equal for a layer.
    """

    layer: Layer
    low: float
    high: float

    @property
    def middle(self) -> float:
        """Where its dot is drawn."""
        return (self.low + self.high) / 2


@styled
def as_svg(figure: Figure, prefix: str) -> str:
    """A figure to be put into a page as it is, its names told apart from other figures' by a prefix."""
    buffer = StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = re.sub(r"^.*?(?=<svg)", "", buffer.getvalue(), flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)


@styled
def draw_trials(result: Result) -> Figure:
    """Each trial's gain over the network as it is, the best on top; what was not tried below."""
    known, unknown = tried(result), untried(result)
    rows = [*known, *unknown]
    figure = Figure((WIDTH, (len(rows) * 0.46 + 1.4) * CENTIMETRE), dpi=72)
    left = _room_for([shortened(trial_title(trial), 28) for trial in rows], NAMED)
    axes = _placed(figure, left=left, right=7.2 * CENTIMETRE, top=0.4 * CENTIMETRE, bottom=0.9 * CENTIMETRE)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.annotate("as it is", (0, -0.6), (0, 2), textcoords="offset points", ha="center", fontsize=SMALL)
    _scale_of_gains(axes, [end for trial in known if trial.gain for end in trial.gain])
    axes.axvline(0, color=DARK, linewidth=0.8)
    gains = [(trial.gain, effect(trial)) for trial in known if trial.gain]
    _draw_dots(axes, [Dot(gain, place, EFFECTS[how]) for place, (gain, how) in enumerate(gains)], size=4.5)
    for place, trial in enumerate(rows):
        _name_trial(axes, place, trial)
    axes.yaxis.set_visible(False)
    axes.spines.left.set_visible(False)
    beyond_reach = ", powers of ten beyond 100 %" if axes.get_xscale() == "symlog" else ""
    axes.set_xlabel(f"gain over the network as it is, % of the loss{beyond_reach}", fontsize=SMALL)
    return figure


def _placed(figure: Figure, left: float, right: float, top: float, bottom: float) -> Axes:
    """Axes with margins in inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    )


def _scale_of_gains(axes: Axes, ends: Sequence[float]) -> None:
    """Limits that hold all finite ends and 0; beyond twice the loss, powers of ten."""
    finite = [end for end in ends if math.isfinite(end)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    reach = max(-low, high)
    axes.tick_params(labelsize=SMALL)
    if reach > 2:
        axes.set_xscale("symlog", linthresh=1, linscale=1)
        ticks = [tick for tick in _powers(reach) if 1.06 * low <= tick <= 1.06 * high]
        axes.set_xticks(ticks, [_percent(tick) for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: _percent(share)))
    axes.set_xlim(*(end + sign * 0.06 * (reach or 1) for end, sign in ((low, -1), (high, 1))))


def _powers(reach: float) -> list[float]:
    """Zero, and two powers of ten to either side, the greater within reach."""
    top = math.floor(math.log10(reach))
    chosen = [10.0**power for power in sorted({top - top // 2, top} if top > 2 else range(top + 1))]
    return [*(-power for power in reversed(chosen)), 0.0, *chosen]


def _percent(share: float) -> str:
    """A share's number on a scale in hundredths."""
    value = round(100 * share, 6)
    return _plain(value) if abs(value) < 1e5 else number(value, 1)


def _plain(value: float) -> str:
    """A tick's number."""
    return f"{value:,.10g}".replace("-", MINUS)


def _name_trial(axes: Axes, place: int, trial: Trial) -> None:
    name: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": NAMED,
        "parse_math": False,
    }
    known = trial.gain is not None and not math.isnan(trial.gain.estimate)
    ink = DARK if known else GREY
    axes.text(-0.03, place, shortened(trial_title(trial), 28), ha="right", color=ink, **name)
    note = f"  ({trial.note})" if trial.note else ""
    if known and trial.gain is not None:
        said = f"{interval(trial.gain, '%')}{note}"
    else:
        said = trial.note or "not tried"
    axes.text(1.03, place, said if len(said) <= 46 else f"{said[:45]}…", ha="left", color=ink, **name)


class Dot(NamedTuple):
    """An estimate with its interval at a height, and how it looks."""

    measured: Interval
    height: float
    look: dict[str, Any]


def _draw_dots(axes: Axes, dots: Sequence[Dot], size: float) -> None:
    """Dots with their intervals; those beyond the panel are arrows at its edge."""
    low, high = axes.get_xlim()
    bars = [dot for dot in dots if not any(map(math.isnan, dot.measured))]
    lows, highs = (np.clip([dot.measured[end] for dot in bars], low, high) for end in (1, 2))
    colours = [dot.look["color"] for dot in bars]
    axes.hlines([dot.height for dot in bars], lows, highs, colors=colours, linewidth=1.1)
    for look, alike in _by_look(dots, low, high):
        values = np.clip([dot.measured.estimate for dot in alike], low, high)
        heights = [dot.height for dot in alike]
        axes.plot(values, heights, linestyle="none", markersize=size, clip_on=False, zorder=3, **look)


def _by_look(dots: Sequence[Dot], low: float, high: float) -> list[tuple[dict[str, Any], list[Dot]]]:
    """Dots that look alike together; "<" and ">" are beyond the ends."""
    groups: dict[str, tuple[dict[str, Any], list[Dot]]] = {}
    for dot in dots:
        value = dot.measured.estimate
        beyond_end = {"marker": "<"} if value < low else {"marker": ">"} if value > high else {}
        look = dot.look | beyond_end
        groups.setdefault(str(look), (look, []))[1].append(dot)
    return [*groups.values()]


@styled
def draw_layers(result: Result, tallest: float) -> Figure | None:
    """All layers, bottom to top, a panel a quantity; bars are intervals over batches, grey is usual.

    Args:
        result: of the probe.
        tallest: that the rows may be together, in centimetres.

    Returns:
        The figure; none if no layer has a value to draw.
    """
    rows = {name: _rows(result, name) for name in PANELS}
    shown = [name for name, found in rows.items() if found]
    if not shown:
        return None
    count = len(result.layers)
    row = min(ROW, tallest / count)
    top, bottom = 0.95 * CENTIMETRE, 0.95 * CENTIMETRE
    figure = Figure((WIDTH, top + bottom + max(count * row, 1.2) * CENTIMETRE), dpi=72)
    names = short_names([layer.name for layer in result.layers], MOST_LETTERS)
    left = _room_for(names, SMALL)
    for place, name in enumerate(shown):
        axes = _panel(figure, place, len(shown), left, top, bottom)
        axes.set_ylim(-0.5, count - 0.5)
        _shade(axes, result)
        _quantity(axes, OF_LAYER[name], name, rows[name])
        if place == 0:
            _name_layers(axes, result, names, row * CENTIMETRE / POINT)
    return figure


def _rows(result: Result, quantity: str) -> list[Row]:
    """Where a quantity is drawn: at layers that have it, and at blocks none of whose layers has."""
    places = {layer.name: place for place, layer in enumerate(result.layers)}
    owners = holders(result, quantity)
    found = [(owner, [places[name] for name in owner.layers or (owner.name,)]) for owner in owners]
    return [Row(owner, min(at), max(at)) for owner, at in found if _is_known(owner.measured.get(quantity))]


def _is_known(measured: Interval | None) -> bool:
    return measured is not None and not math.isnan(measured.estimate)


def _room_for(names: Sequence[str], size: float) -> float:
    """The width of the longest name, as if all were bold, and of a gap, in inches."""
    bold = FontProperties(family=["DejaVu Sans"], weight="bold", size=size)
    widths = [TextPath((0, 0), name.replace("$", "S"), prop=bold).get_extents().width for name in names]
    return (max(map(float, widths), default=0.0) + 10) * POINT


def _panel(figure: Figure, place: int, count: int, left: float, top: float, bottom: float) -> Axes:
    gap = 0.09
    width = min((WIDTH - left - gap) / count, 3.2 * CENTIMETRE)
    start = left + place * width
    return _placed(figure, start + gap / 2, WIDTH - start - width + gap / 2, top, bottom)


def _shade(axes: Axes, result: Result) -> None:
    """Mark the rows of layers in trouble."""
    trouble = in_trouble(result)
    places = [place - 0.5 for place, layer in enumerate(result.layers) if layer.name in trouble]
    axes.barh(
        places,
        1,
        height=1,
        align="edge",
        color=TROUBLE,
        linewidth=0.3,
        transform=axes.get_yaxis_transform(),
        zorder=0,
    )


def _quantity(axes: Axes, quantity: Quantity, name: str, rows: Sequence[Row]) -> None:
    scale = 100 if quantity.unit == "%" else 1
    _scale(axes, quantity, [value * scale for value in _decisive(rows, name)])
    _draw_usual(axes, [(row, row.layer.usual[name]) for row in rows if name in row.layer.usual], scale)
    dots = []
    for row in rows:
        measured = row.layer.measured[name]
        look = OUTSIDE if beyond(measured, row.layer.usual.get(name)) else INSIDE
        dots.append(Dot(Interval(*(end * scale for end in measured)), row.middle, look))
    _draw_dots(axes, dots, size=min(2.8, 0.8 * _points_a_row(axes)))
    _draw_stretches(axes, rows, dots)
    _finish(axes, quantity)


def _points_a_row(axes: Axes) -> float:
    low, high = axes.get_ylim()
    return float(axes.bbox.height / (high - low))


def _draw_usual(axes: Axes, bands: Sequence[tuple[Row, Band]], scale: float) -> None:
    """A grey band in the height of its rows, for each row."""
    heights = [height for row, _ in bands for height in (row.low - 0.5, row.high + 0.5, math.nan)]
    lows, highs = ([end for _, band in bands for end in (*[scale * band[at]] * 2, math.nan)] for at in (0, 1))
    limits = axes.get_xlim()
    axes.fill_betweenx(
        heights, np.clip(lows, *limits), np.clip(highs, *limits), color=USUAL, linewidth=0.3, zorder=1
    )


def _draw_stretches(axes: Axes, rows: Sequence[Row], dots: Sequence[Dot]) -> None:
    """A line through the dot of a stretch, across its layers."""
    low, high = axes.get_xlim()
    for row, dot in zip(rows, dots, strict=True):
        if row.high > row.low:
            middle = min(max(dot.measured.estimate, low), high)
            axes.vlines(middle, row.low - 0.3, row.high + 0.3, color=dot.look["color"], linewidth=0.6)


def _decisive(rows: Sequence[Row], name: str) -> Iterator[float]:
    """The values that a panel's limits are to hold: estimates and what is usual."""
    for row in rows:
        yield row.layer.measured[name].estimate
        yield from row.layer.usual.get(name, ())


def _scale(axes: Axes, quantity: Quantity, values: Sequence[float]) -> None:
    """Limits that hold the values, on a logarithm where they are compared by it, as far as that goes."""
    finite = np.array([value for value in values if math.isfinite(value)])
    positive = finite[finite > 0]
    if quantity.logarithmic and positive.size:
        axes.set_xscale("log")
        low, high = math.log10(positive.min()), math.log10(positive.max())
        middle, reach = (low + high) / 2, max(high - low, 2.7) / 2 * 1.15
        axes.set_xlim(10 ** (middle - reach), 10 ** (middle + reach))
        return
    kept = np.clip(finite, -150, 150) if quantity.unit == "%" else np.clip(finite, -1.5, 2)
    low, high = min([0, *kept]), max([0, *kept])
    room = 0.1 * ((high - low) or 1)
    axes.set_xlim(low - room, high + room)


def _finish(axes: Axes, quantity: Quantity) -> None:
    words = quantity.title.split(" ")
    half = (len(words) + 1) // 2
    axes.set_title(
        "\n".join([" ".join(words[:half]), " ".join(words[half:])]).strip(), loc="left", fontsize=SMALL
    )
    axes.set_xlabel(typeset(quantity.unit), fontsize=SMALL - 0.5, labelpad=1.5)
    axes.yaxis.set_visible(False)
    axes.spines.left.set_visible(False)
    axes.tick_params(labelsize=SMALL - 0.5, length=2, pad=1.5)
    low, high = axes.get_xlim()
    if axes.get_xscale() == "log":
        ticks = _decades(low, high)
        names = [f"$10^{{{round(math.log10(tick))}}}$" for tick in ticks]
    else:
        axes.axvline(0, color=DARK, linewidth=0.4, zorder=2)
        ticks = [
            tick for tick in MaxNLocator(2, steps=[1, 2, 5, 10]).tick_values(low, high) if low < tick < high
        ]
        names = [_plain(tick) for tick in ticks]
    axes.set_xticks([], minor=True)
    axes.set_xticks(ticks, names)
    for tick, label in zip(ticks, axes.get_xticklabels(), strict=True):
        place = axes.transAxes.inverted().transform(axes.transData.transform((tick, 0)))[0]
        label.set_horizontalalignment("left" if place < 0.1 else "right" if place > 0.9 else "center")


def _decades(low: float, high: float) -> list[float]:
    """Two powers of ten at most."""
    powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    return [10.0**power for power in (powers if len(powers) < 3 else (powers[0], powers[-1]))]


def _name_layers(axes: Axes, result: Result, names: Sequence[str], row: float) -> None:
    """Names at the left; where rows are lower than letters, of some layers, and of those in trouble first."""
    trouble = in_trouble(result)
    every = math.ceil(len(result.layers) / MOST_NAMES)
    size = min(SMALL, 0.92 * row * every)
    for place, layer in enumerate(result.layers):
        if place % every:
            continue
        axes.annotate(
            names[place],
            (0, place),
            (-4, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=size,
            parse_math=False,
            fontweight="bold" if layer.name in trouble else "normal",
        )
