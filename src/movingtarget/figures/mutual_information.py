"""Figure: mutual information between successive layers at the start, by layer and by depth."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, panels, styled
from movingtarget.families import FAMILIES
from movingtarget.figure import Drawing
from movingtarget.look import GREY
from movingtarget.settings import AS_DRAWN
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_information",
    tables=("mutual_information",),
    caption="""\
How much successive layers tell about each other before training: compare each structure with the plain
network, and all with the grey line, the same between images that were shuffled, whose true value is zero.
The abscissa is the number of hidden layers, on a logarithmic axis, the ordinate the mutual information, mean
over pairs of successive layers, in nats, by the Gaussian estimate, that is, of linear relations; layers are
scaled to unit deviation and read through noise of {{ mutual_information.noise }} of it. Lines are means over
seeds and bands their 95 % intervals (number of seeds: {{ mutual_information.seeds | length }}); what is
undefined is named above its panel. Made with layers of {{ mutual_information.hidden_width }} units on the
first {{ mutual_information.examples }} test images of {{ dataset }}.
""",
)


@styled
def draw(information: pd.DataFrame) -> Figure:
    """Mean information against depth: a panel for each activation.

    Args:
        information: table mutual_information.
    """
    by_activation = divide(where(compared(information), step=0), "activation")
    figure, (row,) = panels([*by_activation], columns=len(by_activation), row_height=5.6, sharey=True)
    for axes, rows in zip(row, by_activation.values(), strict=True):
        depth_axis(axes, rows["depth"])
        draw_networks(axes, over_layers(rows), "depth")
        axes.set_xlabel("depth (hidden layers)")
    row[0].set_ylabel("information (nats)")
    label_lines(figure)
    return figure


def compared(information: pd.DataFrame) -> pd.DataFrame:
    """Rows of networks as drawn, by the estimator, noise and scaling by which they are compared."""
    drawn = where(information, dial=AS_DRAWN, estimator="gaussian", scaling="deviation")
    return where(drawn, noise=where(drawn, relation="permuted")["noise"].iloc[0])


def over_layers(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over layers, for each network, depth, seed, step and relation."""
    keys = ["network", "activation", "depth", "seed", "step", "relation"]
    return rows.groupby(keys, sort=False)["value"].mean(skipna=False).reset_index()


def draw_networks(axes: Axes, rows: pd.DataFrame, x: str) -> None:
    """A curve for each network, and a grey one for shuffled images."""
    null = where(rows, relation="permuted").groupby(x)["value"].mean().dropna()
    if not null.empty:
        axes.plot(null, color=GREY, marker=".", markersize=1, linewidth=0.8, label="shuffled")
    for network, of_network in divide(where(rows, relation="layers"), "network").items():
        draw_curve(axes, of_network, x, FAMILIES[network].title, LOOKS[network])
        name_missing(axes, of_network, x, FAMILIES[network].title)
