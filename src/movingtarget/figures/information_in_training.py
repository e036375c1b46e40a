"""Figure: mutual information between successive layers while networks are trained, and their loss."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, panels, styled
from movingtarget.families import FAMILIES
from movingtarget.figure import Drawing
from movingtarget.figures.mutual_information import compared, over_layers
from movingtarget.settings import AS_DRAWN
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_information",
    tables=("mutual_information", "information_training"),
    caption="""\
How information between layers moves while networks learn: see whether it rises as the loss falls, and
whether those that share more lie lower below. The abscissa is the training step; ordinates are the mean
over layers of the mutual information (nats, Gaussian estimate, unit deviation, noise {{
mutual_information.noise }}) above, and the training loss (nats) on a logarithmic axis below. Lines are
means over seeds and bands their 95 % intervals (number of seeds: {{ mutual_information.seeds | length }});
what is undefined is named above its panel. Made with networks of {{ (mutual_information.depths |
sort)[(mutual_information.depths | length - 1) // 2] }} hidden layers of {{ mutual_information.hidden_width
}} units, each at its own best learning rate, trained on minibatches of {{ mutual_information.batch_size }}
of {{ dataset }}.
""",
)


@styled
def draw(information: pd.DataFrame, training: pd.DataFrame) -> Figure:
    """Information above, loss below: a column for each activation, at the middle one of the depths.

    Args:
        information: table mutual_information.
        training: table information_training.
    """
    depths = sorted(where(information, dial=AS_DRAWN)["depth"].unique())
    depth = depths[(len(depths) - 1) // 2]
    read = over_layers(where(compared(information), depth=depth, relation="layers"))
    losses = where(training, depth=depth, dial=AS_DRAWN, quantity="train_loss")
    activations = [*divide(read, "activation")]
    figure, grid = panels(activations * 2, columns=len(activations), row_height=5.6, sharey="row")
    for axes in grid[1]:
        log_axis(axes.yaxis)
        axes.set_xlabel("training step")
    for row, table in zip(grid, (read, losses), strict=True):
        for axes, activation in zip(row, activations, strict=True):
            for network, rows in divide(where(table, activation=activation), "network").items():
                draw_curve(axes, rows, "step", FAMILIES[network].title, LOOKS[network])
                name_missing(axes, rows, "step", FAMILIES[network].title)
    grid[0, 0].set_ylabel("information (nats)")
    grid[1, 0].set_ylabel("training loss (nats)")
    label_lines(figure)
    return figure
