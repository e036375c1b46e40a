"""Figure: how far a textbook's slopes remember, by depth, as they stand and after single changes."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=(
        "textbook_autocorrelation",
        "noise_autocorrelation",
    ),
    caption="""\
Why a textbook's plot does not come out like the paper's: see which single change brings deep networks
down to white noise. The ordinate is the autocorrelation of neighbouring slopes, at a lag of one grid
point, the abscissa the number of layers; one line is the textbook's setting with its own estimator, which
leaves the slopes their mean, and every other removes that mean and makes the change to the network that
is named. Thin dark lines are brown and white noise, other lines means over seeds with bands, their 95 %
intervals (number of seeds: {{ textbook.seeds | length }}); what is undefined is named above the panel.
Made from df/dx at {{ textbook.points }} equally spaced inputs within {{ textbook.half_width }} of zero of
rectifier networks {{ textbook.width }} units wide, weights and biases normal with variance 1 / width
unless changed.
""",
)

ADJACENT = 1
"""The lag shown."""


@styled
def draw(autocorrelation: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Autocorrelation at lag 1 against depth: a curve for the textbook's estimator, and one for each change.

    Args:
        autocorrelation: table textbook_autocorrelation.
        noise: table noise_autocorrelation, of the rulers.
    """
    figure, ((axes,),) = panels(["memory from one input to the next"], columns=1, row_height=6.2)
    depth_axis(axes, autocorrelation["depth"])
    _draw_rulers(axes, where(noise, lag=ADJACENT), sorted(autocorrelation["depth"].unique()))
    curves = _curves(where(autocorrelation, lag=ADJACENT))
    others = iter(shades(LOOKS["plain"]["color"], len(curves)))
    for name, rows in curves.items():
        look = LOOKS["batch-norm"] if "mean subtracted" in name else {"color": next(others), "marker": "o"}
        draw_curve(axes, rows, "depth", name, look)
        name_missing(axes, rows, "depth", name)
    axes.set(xlabel="layers", ylabel="autocorrelation at lag 1")
    label_lines(figure)
    return figure


def _curves(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows by the names of curves: the first change twice, for with it both estimators are tried."""
    changes = divide(where(rows, estimator="mean removed"), "change")
    first = next(iter(changes))
    named = {f"{first}, mean removed" if change == first else change: of for change, of in changes.items()}
    return {f"{first}, mean kept": where(rows, estimator="mean kept", change=first), **named}


def _draw_rulers(axes: Axes, noise: pd.DataFrame, depths: list[int]) -> None:
    """Both noises, which have no depth, along the whole abscissa."""
    for colour, rows in divide(noise, "noise").items():
        heights = [rows["value"].mean()] * 2
        axes.plot([depths[0], depths[-1]], heights, color=DARK, linewidth=0.7, label=f"{colour} noise")
