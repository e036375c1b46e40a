"""Figure: the slope of random networks on the line, as in figure 1 of Balduzzi et al. 2017."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.style import LOOKS, letter, line_family, line_name, panels, styled

NETWORK = ["network", "normalisation", "beta", "depth"]


@styled
def draw(gradients: pd.DataFrame) -> Figure:
    """df/dx against x, a panel for each network in table gradients_on_a_line."""
    networks = list(gradients.groupby(NETWORK, sort=False, dropna=False))
    figure, grid = panels(len(networks), 1, row_height=3.3, sharex=True)
    for axes, ((network, normalisation, beta, depth), rows) in zip(grid[:, 0], networks, strict=True):
        colour = LOOKS[line_family(network, normalisation)]["color"]
        axes.plot(rows["input"], rows["value"], color=colour, linewidth=0.9)
        axes.set_title(f"{line_name(network, normalisation, beta)}, depth {depth}")
    figure.supylabel("gradient df/dx (dimensionless)")
    grid[-1, 0].set_xlabel("input x (dimensionless)")
    letter(figure)
    return figure
