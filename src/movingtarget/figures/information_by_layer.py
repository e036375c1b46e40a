"""Figure: mutual information between successive layers before training, along the layers."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import panels, styled
from movingtarget.figure import Drawing
from movingtarget.figures.mutual_information import compared, draw_networks
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_information",
    tables=("mutual_information",),
    caption="""\
Where along a network its layers lose touch: see whether a structure keeps its place beside the plain network
from the first pair of layers to the last. The abscissa is the lower layer of a pair of the deepest networks,
the ordinate their mutual information before training in nats, as in the figure by depth; the grey line is the
same between images that were shuffled. Lines are means over seeds and bands their 95 % intervals (number of
seeds: {{ mutual_information.seeds | length }}); what is undefined is named above its panel. Made with layers
of {{ mutual_information.hidden_width }} units on the first {{ mutual_information.examples }} test images of
{{ dataset }}.
""",
)


@styled
def draw(information: pd.DataFrame) -> Figure:
    """Information along the layers of the deepest networks: a panel for each activation.

    Args:
        information: table mutual_information.
    """
    shown = compared(information)
    deepest = shown["depth"].max()
    by_activation = divide(where(shown, step=0, depth=deepest), "activation")
    titles = [f"{activation}, depth {deepest}" for activation in by_activation]
    figure, (row,) = panels(titles, columns=len(titles), row_height=5.6, sharey=True)
    for axes, rows in zip(row, by_activation.values(), strict=True):
        draw_networks(axes, rows, "layer")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("layer (lower one of the pair)")
    row[0].set_ylabel("information (nats)")
    label_lines(figure)
    return figure
