"""Figure: which units are active where on the line, as in figure 4 of Balduzzi et al. 2017."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.grid import depth_columns
from movingtarget.drawing.style import styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("activation_patterns",),
    caption="""\
Which units of a random network are active where on the line: see whether rows are of one colour, as of
units that are always on or always off, broken into long runs, or into specks. A panel holds the last
hidden layer of one network, black where a unit is active; the abscissa is the place along the line in
grid points, the ordinate the unit, the first of the layer's, and rows of panels differ in the kind of
network, columns in depth. Each panel is one network, of seed {{ activations.seeds[0] }}. Made at {{
activations.points }} equally spaced inputs within {{ activations.half_width }} of zero of rectifier
networks {{ activations.width }} units wide.
""",
)


@styled
def draw(patterns: pd.DataFrame) -> Figure:
    """Units against places on the line, black where active: a row for each network, a column for each depth.

    Args:
        patterns: table activation_patterns; the first seed is drawn.
    """
    shown = where(patterns, seed=patterns["seed"].min())
    figure, panels = depth_columns(shown, 3.8, "place on the line (grid points)", "unit")
    for axes, rows, _ in panels:
        active = np.array([[*pattern] for pattern in rows.sort_values("unit")["pattern"]]) == "1"
        units, points = active.shape
        axes.imshow(
            active,
            cmap="gray_r",
            vmin=0,
            vmax=1,
            aspect="auto",
            extent=(0.5, points + 0.5, units + 0.5, 0.5),  # both count from 1
            interpolation="none",
        )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4, integer=True))
    return figure
