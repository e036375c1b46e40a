"""Figure: the gradient's norm layer by layer, at initialisation."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("one_step",),
    caption="""\
How unlike the gradients of a network's layers are at initialisation: see how far each curve is from
level, for one learning rate serves all its layers, and whether batch norm without skips makes layers
more unlike the deeper the network is. The abscissa is the layer, the ordinate, logarithmic, the norm of
the loss's gradient with respect to all parameters of the layer, in nats per unit of a parameter; first
and last layers have another number of weights than the rest. Lines are means over seeds and bands their
95 % intervals (number of seeds: {{ one_step.seeds | length }}); what is undefined, or zero on a
logarithmic axis, is named above its panel. Made from one minibatch of {{ one_step.batch_size }}
training images of {{ dataset }} for each seed, with networks {{ one_step.hidden_width }} units wide and
{{ one_step.initial_weights }} initial weights.
""",
)


@styled
def draw(one_step: pd.DataFrame) -> Figure:
    """Norm of the gradient of each layer's parameters: a panel for each depth, a curve for each family.

    Args:
        one_step: table one_step; the example is no family.
    """
    norms = where(one_step[one_step["network"] != "example"], quantity="gradient_norm")
    # the same for every optimiser and rate
    norms = norms.drop_duplicates(["network", "depth", "seed", "layer"])
    depths = sorted(norms["depth"].unique())
    figure, grid = panels([f"depth {depth}" for depth in depths], columns=1, row_height=6.6, sharey=True)
    for axes, depth in zip(grid[:, 0], depths, strict=True):
        log_axis(axes.yaxis)
        for network, rows in divide(where(norms, depth=depth), "network").items():
            name = arm_name(network, "sgd")
            draw_curve(axes, rows, "layer", name, LOOKS[network])
            name_missing(axes, rows, "layer", name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("layer (1 is next to the input, the last is the output layer)")
        axes.set_ylabel("gradient norm\n(nats per unit of a parameter)")
    label_lines(figure)
    return figure
