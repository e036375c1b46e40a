"""What figures of table early_steps share: a column for each family, a line for each multiple of a rate."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, arm_name, panels, shades
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where


class Scale(NamedTuple):
    """How a quantity is drawn.

    Attributes:
        name: of the ordinate.
        least: what a seed's value is held at from below.
        greatest: and from above.
        logarithmic: whether the ordinate is.
        level: where a thin dark line lies, if anywhere.
    """

    name: str
    least: float
    greatest: float
    logarithmic: bool
    level: float | None = None


SCALES = {
    "loss": Scale("loss (nats)", 1e-3, 30.0, True),
    "kept": Scale("share of the\npromise kept", -0.2, 1.0, False, 0.0),
    "edge": Scale("curvature\n(2 / rate)", 1e-2, 1e2, True, 1.0),
    "way_to_features": Scale("way to the\nlast features", 0.0, 1.0, False),
}

FAMILIES = 3
"""As many as a page has room for."""


def draw_quantities(rows: pd.DataFrame, quantities: list[str]) -> Figure:
    """A row of panels for each quantity, against the step, norms free.

    Args:
        rows: of table early_steps, of one kind of batch.
        quantities: keys of `SCALES`.
    """
    families = list(divide(where(rows, norms="free"), "network").items())[:FAMILIES]
    titles = [arm_name(network, "sgd") for _ in quantities for network, _ in families]
    figure, grid = panels(titles, len(families), row_height=4.2, sharey="row")
    for line, quantity in zip(grid, quantities, strict=True):
        lost = {
            axes: _draw_family(axes, network, where(family, quantity=quantity), SCALES[quantity])
            for axes, (network, family) in zip(line, families, strict=True)
        }
        if quantity == quantities[0]:
            mark_diverged(lost)
        line[0].set_ylabel(SCALES[quantity].name)
    for axes in grid[-1]:
        axes.set_xlabel("step")
    label_lines(figure)
    return figure


def rate_name(multiple: float) -> str:
    """What a multiple of the best rate is called.

    >>> rate_name(1.0), rate_name(0.25), rate_name(4.0)
    ('best', '1/4', '4')
    """
    return "best" if multiple == 1 else str(Fraction(multiple).limit_denominator(100))


def _looks(network: str, multiples: list[float]) -> Mapping[float, Look]:
    """Shades of the family's colour, the darker the higher the rate."""
    colours = shades(LOOKS[network]["color"], len(multiples))
    return {
        multiple: {"color": colour, "marker": "o", "markersize": 2.2}
        for multiple, colour in zip(multiples, colours, strict=True)
    }


def _draw_family(axes: Axes, network: str, rows: pd.DataFrame, scale: Scale) -> list[Divergence]:
    """A line for each multiple, with a gap where a seed has diverged; where that is, by line."""
    log_axis(axes.xaxis)
    if scale.logarithmic:
        log_axis(axes.yaxis)
        axes.yaxis.set_major_locator(LogLocator(numticks=5))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(scale.least - 0.05, scale.greatest + 0.05)
    if scale.level is not None:
        axes.plot(
            [rows["step"].min(), rows["step"].max()], [scale.level] * 2, color=DARK, linewidth=0.7, label="_"
        )
    held = rows.assign(value=rows["value"].clip(scale.least, scale.greatest))
    found = []
    looks = _looks(network, sorted(rows["multiple"].unique()))
    for multiple, of_multiple in divide(held, "multiple").items():
        name, look = rate_name(multiple), looks[multiple]
        draw_curve(axes, of_multiple, "step", name, look)
        lost = of_multiple[of_multiple["value"].isna()]
        if not lost.empty:
            first = lost["step"].min()
            counts = {first: lost["seed"].nunique()}
            found.append(Divergence(name, look, of_multiple["seed"].nunique(), counts))
    return found
