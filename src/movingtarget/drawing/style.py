"""The one style of all figures: size, type, colours, panels, and files of the same bytes every time."""

from collections.abc import Sequence
from io import BytesIO
from math import ceil
from pathlib import Path
from string import ascii_lowercase
from typing import Any, Literal

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from movingtarget.drawing.notes import with_notes
from movingtarget.families import FAMILIES
from movingtarget.look import DARK, Look
from movingtarget.update_orders import LOCOPROP_LOOK

CENTIMETRE = 1 / 2.54
"""In inches, matplotlib's unit of length."""

WIDTH = 16 * CENTIMETRE
"""Of every figure: that of the text on an A4 page."""

FONT_SIZE = 8.0
"""Of all text, in points."""

LINE_HEIGHT = 1.25 * FONT_SIZE
"""From one line of text to the next, in points."""

FONTS = ("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
"""What SVG files ask for, and that with the likeliest in its place where there is none."""

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine has it
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "figure.labelsize": FONT_SIZE,
    "axes.edgecolor": DARK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.2,
    "svg.fonttype": "none",  # words that can be searched; who shows the file brings the font
    "svg.hashsalt": "movingtarget",
    "pdf.fonttype": 42,
}

styled = matplotlib.style.context(["default", STYLE])
"""Decorator: draw in this style, whatever the user's own settings of matplotlib."""

LOOKS: dict[str, Look] = {
    **{name: family.look for name, family in FAMILIES.items()},
    "locoprop": LOCOPROP_LOOK,
    "convolutional": {"color": "#44AA99", "marker": "p", "linestyle": (0, (1, 0.8))},
    "highway": {"color": "#8C510A", "marker": "<", "linestyle": (0, (5, 1, 1, 1, 1, 1, 1, 1))},
}
"""The look of each family, of LocoProp, convolutional and highway networks, the same in every figure."""


def arm_look(network: str, update_rule: str) -> Look:
    """The look of an arm: LocoProp's own, else the network's."""
    return LOOKS["locoprop" if update_rule == "locoprop" else network]


def arm_name(network: str, update_rule: str) -> str:
    """What an arm is called in figures; the update rule is named unless it is sgd."""
    name = FAMILIES[network].title
    if update_rule != "locoprop":
        return name
    return "LocoProp" if network == "plain" else f"{name}, LocoProp"


def line_family(network: str, normalisation: str) -> str:
    """The family, a key of `LOOKS`, of a network on the line; batch-norm's is that of all normalised ones."""
    if network == "residual":
        return "residual"
    return "plain" if normalisation == "none" else "batch-norm"


def line_name(network: str, normalisation: str, beta: float) -> str:
    """What a network on the line is called: "residual, batch norm, β = 0.1"."""
    named = "no normalisation" if normalisation == "none" else normalisation.replace("-", " ")
    return ", ".join([network, named] + ([] if np.isnan(beta) else [f"β = {beta:g}"]))


def line_short_name(network: str, normalisation: str, beta: float) -> str:
    """The same without what is the rule: feedforward, and batch norm in residual networks.

    >>> line_short_name("feedforward", "centred", np.nan), line_short_name("residual", "batch-norm", 0.1)
    ('centred', 'residual, β = 0.1')
    """
    name = line_name(network, normalisation, beta)
    return name.removeprefix("feedforward, ").replace(", batch norm, ", ", ")


def shades(colour: str, count: int) -> list[tuple[float, ...]]:
    """Shades of a colour from light to dark; the colour itself if there is but one."""
    palette = LinearSegmentedColormap.from_list("shades", ["#f4f4f4", colour, "#101010"])
    return [palette(place) for place in (np.linspace(0.3, 0.8, count) if count > 1 else [0.5])]


Sharing = Literal["row", "col"] | bool


def panels(
    titles: Sequence[str],
    columns: int,
    row_height: float,
    sharex: Sharing = False,
    sharey: Sharing = False,
    widths: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
) -> tuple[Figure, NDArray[Any]]:
    """A figure as wide as the text and its axes, lettered (a), (b), ... if there are several.

    Args:
        titles: of the panels, row by row.
        columns: in a row of panels, at most.
        row_height: of a row of panels, in centimetres.
        sharex: whether all have one abscissa, or those of each column, "col".
        sharey: whether all have one ordinate, or those of each "row".
        widths: of the columns, relative to each other; equal if not given.
        heights: of the rows, likewise; `row_height` is then their mean.

    Returns:
        The figure and its axes `(rows, columns)`; those beyond the last title are no longer part of it.
    """
    columns = min(columns, len(titles))
    rows = ceil(len(titles) / columns)
    size = (WIDTH, rows * row_height * CENTIMETRE)
    figure = Figure(size, dpi=72, layout="constrained")  # so that a pixel is a point
    grid = figure.subplots(
        *(rows, columns),
        squeeze=False,
        sharex=sharex,
        sharey=sharey,
        width_ratios=widths,
        height_ratios=heights,
    )
    for place, title in enumerate(titles):
        letter = f"({ascii_lowercase[place]}) " if len(titles) > 1 else ""
        grid.flat[place].set_title(letter + title, loc="left")
    for axes in grid.flat[len(titles) :]:
        axes.remove()
    return figure, grid


@styled
def blank(text: str) -> Figure:
    """A figure with a line of text in the place of what there is not."""
    figure, grid = panels([""], columns=1, row_height=2.0)
    grid[0, 0].set_axis_off()
    grid[0, 0].text(0.5, 0.5, text, ha="center", va="center")
    return figure


def extremes(depths: pd.Series) -> list[int]:
    """The least and the greatest depth: as many as a page has room for."""
    return sorted({depths.min(), depths.max()})


def add_to_title(axes: Axes, line: str) -> None:
    """Append a line to a panel's title."""
    axes.set_title(f"{axes.get_title(loc='left')}\n{line}", loc="left")


def lay_out(figure: Figure) -> None:
    """Place the panels, unless they have their places; drawing would do so for each format again."""
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)


@styled
def save(figure: Figure, mark: str, svg_path: Path | str, pdf_path: Path | str) -> None:
    """Write a figure as SVG and PDF, the same bytes each time; neither is written unless both are drawn.

    Args:
        figure: what to write, laid out once for both.
        mark: of what it was made, kept among the files' metadata for `is_drawn`.
        svg_path: the file for the screen.
        pdf_path: the file for print.
    """
    lay_out(figure)
    figure.set_layout_engine(None)
    contents = {
        Path(svg_path): _svg(figure, {"Date": None, "Description": f"made of {mark}"}),
        Path(pdf_path): _drawn(figure, "pdf", {"CreationDate": None, "Keywords": f"made of {mark}"}),
    }
    for path, content in contents.items():
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def is_drawn(mark: str, *paths: Path) -> bool:
    """Whether all files are there and were saved under this mark."""
    wanted = f"made of {mark}".encode()
    return all(path.is_file() and wanted in path.read_bytes() for path in paths)


def _svg(figure: Figure, metadata: dict[str, str | None]) -> bytes:
    return with_notes(_drawn(figure, "svg", metadata).decode().replace(*FONTS)).encode()


def _drawn(figure: Figure, file_format: str, metadata: dict[str, str | None]) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=file_format, metadata=metadata)
    return buffer.getvalue()
