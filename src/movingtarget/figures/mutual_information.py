"""Figure: mutual information between successive layers, before and after training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import draw_arms
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import extremes, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import GREY
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_training",
    tables=("mutual_information",),
    caption="""\
How much successive layers tell about each other: compare the families with each other and with the grey
line, the same measurement between images that were shuffled, whose true value is zero, and see whether
their order is the same for both scalings of a layer. The abscissa is the lower layer of a pair, the
ordinate the mutual information in nats; layers are scaled to unit root mean square, where an offset
common to all images counts, or to unit deviation, where it does not. Lines are means over seeds and
bands their 95 % intervals (number of seeds: {{ training.seeds | length }}); what is undefined is named
above its panel. Made with the shallowest and the deepest networks from the first {{
mutual_information.examples }} test images of {{ dataset }}, each family at its own best learning rate,
with Gaussian noise of deviation {{ mutual_information.noise }} added to both layers and the bias of the
sample covariance removed.
""",
)

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
