"""Figure: mutual information between successive layers, before and after training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.figures.curves import draw_arms
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import where
from movingtarget.figures.style import GREY, extremes, panels, styled

SCALINGS = {"root-mean-square": "unit root mean square", "deviation": "unit deviation"}


@styled
def draw(information: pd.DataFrame) -> Figure:
    """Information against layer, before and after training, of the shallowest and deepest networks.

    Args:
        information: table mutual_information.
    """
    rows = [(depth, scaling) for depth in extremes(information["depth"]) for scaling in SCALINGS]
    steps = {"at initialisation": information["step"].min(), "after training": information["step"].max()}
    titles = [f"depth {depth}, {when}" for depth, _ in rows for when in steps]
    figure, grid = panels(titles, columns=2, row_height=3.4, sharey=True)
    for row, (depth, scaling) in zip(grid, rows, strict=True):
        for axes, step in zip(row, steps.values(), strict=True):
            shown = where(information, depth=depth, scaling=scaling, step=step)
            _draw_null(axes, where(shown, quantity="permuted"))
            draw_arms(axes, where(shown, quantity="information"), "layer")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        row[0].set_ylabel(f"information (nats),\n{SCALINGS[scaling]}")
    for axes in grid[-1]:
        axes.set_xlabel("layer (lower one of the pair)")
    label_lines(figure)
    return figure


def _draw_null(axes: Axes, rows: pd.DataFrame) -> None:
    """Mean over families and seeds; what is undefined is named for each family's own curve."""
    null = rows.groupby("layer")["value"].mean().dropna()
    if not null.empty:
        axes.plot(null, color=GREY, marker=".", markersize=1, linewidth=0.8, label="permuted")
