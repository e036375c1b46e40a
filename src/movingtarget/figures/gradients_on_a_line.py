"""Figure: the slope of random networks on the line, as in figure 1 of Balduzzi et al. 2017."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.rows import divide
from movingtarget.figures.style import LOOKS, line_family, line_name, panels, styled


@styled
def draw(gradients: pd.DataFrame) -> Figure:
    """df/dx against x, a panel for each network in table gradients_on_a_line."""
    networks = divide(gradients, "network", "normalisation", "beta", "depth")
    titles = [f"{line_name(*network)}, depth {depth}" for *network, depth in networks]
    figure, grid = panels(titles, columns=1, row_height=3.3, sharex=True)
    for axes, ((network, normalisation, *_), rows) in zip(grid[:, 0], networks.items(), strict=True):
        colour = LOOKS[line_family(network, normalisation)]["color"]
        axes.plot(rows["input"], rows["value"], color=colour, linewidth=0.9)
        axes.margins(x=0.01)
    figure.supylabel("gradient df/dx (dimensionless)")
    grid[-1, 0].set_xlabel("input x (dimensionless)")
    return figure
