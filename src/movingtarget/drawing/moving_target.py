"""What figures of table moving_target share: a line for each family, and above panels what diverged."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from movingtarget.drawing.curves import draw_curve, keep_within, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import GAP, label_lines, text_colour
from movingtarget.drawing.style import LINE_HEIGHT, LOOKS, Sharing, arm_name, extremes, panels
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where

DOTTED: Look = {"linestyle": ":", "linewidth": 1.0}
"""Of lines that are foretold, beside those that are measured."""

Row = Mapping[Axes, pd.DataFrame]
"""A row of panels from left to right, and the rows of the table that each shows."""


def middle(values: pd.Series) -> float:
    """The middle one of the distinct values, of two the lesser."""
    distinct: list[float] = sorted(values.unique())
    return distinct[(len(distinct) - 1) // 2]


def middle_and_deepest(depths: pd.Series) -> list[float]:
    """Two depths, or one if there is no other."""
    return sorted({middle(depths), depths.max()})


def extremes_and_middle(depths: pd.Series) -> list[float]:
    """Three depths, or fewer if there are no others."""
    return sorted({*extremes(depths), middle(depths)})


def rows_of_panels(
    titles: Sequence[str], columns: int, row_height: float, sharey: Sharing
) -> tuple[Figure, NDArray[Any]]:
    """Panels as `style.panels` makes them, the last column with room for names beside the data."""
    widths = [*[1.0] * (columns - 1), 1 + columns / 3]  # names take a quarter of the whole
    return panels(titles, columns, row_height, sharey=sharey, widths=widths)


LEAST_SHARE, GREATEST_SHARE = -0.5, 1.5
"""What shares of a promise are drawn as at least and at most."""


def draw_shares(moving_target: pd.DataFrame, share: str, name: str) -> Figure:
    """A share of the promise against F / L, with its forecasts: a row for either end of training.

    Args:
        moving_target: table moving_target.
        share: the quantity.
        name: of the ordinate.
    """
    matched = where(moving_target, rate="matched")
    depths, steps = extremes_and_middle(matched["depth"]), extremes(matched["step"])
    titles = [f"{depth:g} layers, step {step}" for step in steps for depth in depths]
    figure, grid = rows_of_panels(titles, len(depths), row_height=4.4, sharey=True)
    for line, step in zip(grid, steps, strict=True):
        of_step = where(matched, step=step)
        row = {axes: where(of_step, depth=depth) for axes, depth in zip(line, depths, strict=True)}
        measured = {axes: where(rows, quantity=share) for axes, rows in row.items()}
        for height in (0, 1):
            draw_level(measured, "promise", height)
        foretold = {axes: where(rows, quantity=f"foretold_{share}") for axes, rows in row.items()}
        draw_foretold(foretold, "promise", LEAST_SHARE, GREATEST_SHARE)
        draw_held(measured, "promise", LEAST_SHARE, GREATEST_SHARE)
        line[0].set_ylabel(name)
    for axes in grid[-1]:
        axes.set_xlabel("F / L")
    label_lines(figure)
    return figure


def draw_level(row: Row, x: str, height: float) -> None:
    """A thin dark line across the data, at a height that means something."""
    for axes, rows in row.items():
        axes.plot([rows[x].min(), rows[x].max()], [height] * 2, color=DARK, linewidth=0.7, label="_")


def draw_families(row: Row, x: str) -> None:
    """A curve for each family against column `x`, named in the last panel only."""
    for place, (axes, rows) in enumerate(row.items(), 1):
        unnamed = "" if place == len(row) else "_"
        for network, family in divide(rows, "network").items():
            draw_curve(axes, family, x, unnamed + arm_name(network, "sgd"), LOOKS[network])


def draw_foretold(row: Row, x: str, least: float, greatest: float) -> None:
    """Dotted lines of the families' means, up to where they leave the bounds."""
    for axes, rows in row.items():
        for network, family in divide(rows, "network").items():
            means = family.groupby(x)["value"].mean()
            within = means.between(least, greatest).cumprod().astype(bool)
            axes.plot(means.index[within], means[within], label="_", color=LOOKS[network]["color"], **DOTTED)


def draw_held(row: Row, x: str, least: float, greatest: float) -> None:
    """Families against positive numbers `x`, values held within bounds.

    Above the panels stands how many seeds diverged, which have no value: a line for each family.

    Args:
        row: panels and their rows.
        x: the column along the logarithmic abscissa.
        least: what a seed's value is at least.
        greatest: what it is at most.
    """
    held = {axes: rows.assign(value=rows["value"].clip(least, greatest)) for axes, rows in row.items()}
    for axes, rows in held.items():
        depth_axis(axes, rows[x], ticks=3 if len(row) > 2 else 4)
    draw_families(held, x)
    for axes in held:
        _hold_limits(axes, least, greatest)
    _count_diverged(held, x)


def draw_layers(row: Row) -> None:
    """Families against layer, from the second on, for below the first there is none.

    Above a panel stands how many seeds of a family have no value at any layer, as if they diverged; where
    others have none at some, the title says so.
    """
    above = {axes: rows[rows["layer"] > 1] for axes, rows in row.items()}
    draw_families(above, "layer")
    _raise_titles([*above], max(_name_diverged(axes, rows) for axes, rows in above.items()))
    for axes in above:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _hold_limits(axes: Axes, least: float, greatest: float) -> None:
    """Bands may reach beyond what values are held to, the ordinate hardly does."""
    if axes.get_yscale() == "linear":
        margin = 0.05 * (greatest - least)
        keep_within(axes, least - margin, greatest + margin)
    else:
        keep_within(axes, least / 1.2, greatest * 1.2)


def _count_diverged(row: Row, x: str) -> None:
    """The number of seeds without a value, above its place."""
    lacking = {axes: rows[rows["value"].isna()] for axes, rows in row.items()}
    networks = [*divide(pd.concat([*lacking.values()]), "network")]
    *_, (last, rows_of_last) = row.items()
    for line, network in enumerate(reversed(networks)):
        for axes, rows in lacking.items():
            for place, count in where(rows, network=network).groupby(x).size().items():
                _write_above(axes, place, f"{count}", network, line, "center")
        _write_above(last, rows_of_last[x].max(), "   " + arm_name(network, "sgd"), network, line, "left")
    _raise_titles([*row], len(networks))


def _name_diverged(axes: Axes, rows: pd.DataFrame) -> int:
    """A line for each family of which a seed has no value; returns their number."""
    lines = 0
    for network, family in divide(rows, "network").items():
        name, defined = arm_name(network, "sgd"), family.groupby("seed")["value"].count() > 0
        name_missing(axes, family[family["seed"].map(defined)], "layer", name, letters=32)
        if not defined.all():
            text = f"{(~defined).sum()}/{len(defined)} {name}"
            _write_above(axes, rows["layer"].min(), text, network, lines, "left")
            lines += 1
    return lines


def _write_above(axes: Axes, x: Any, text: str, network: str, line: int, ha: str) -> None:
    """Text in a family's colour on a line above the panel, counted from 0."""
    rise = ScaledTranslation(0, (line + 1) * LINE_HEIGHT / 72, axes.figure.dpi_scale_trans)
    place, colour = axes.get_xaxis_transform() + rise, text_colour(LOOKS[network]["color"])
    axes.text(x, 1, text, transform=place, color=colour, ha=ha, va="center_baseline", in_layout=False)


def _raise_titles(row: Sequence[Axes], lines: int) -> None:
    """Move titles above so many lines, and say left of the first panel what they are about."""
    if lines == 0:
        return
    middle = (-GAP, 0.5 * (lines + 1) * LINE_HEIGHT)
    row[0].annotate("diverged", (0, 1), middle, "axes fraction", "offset points", ha="right", va="center")
    for axes in row:
        axes.set_title(axes.get_title(loc="left"), loc="left", pad=(lines + 1) * LINE_HEIGHT)
