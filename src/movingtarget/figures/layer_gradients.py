"""Figure: the gradient's norm layer by layer, at initialisation."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("layer_gradients",),
    caption="""\
How unlike the gradients of a network's layers are at initialisation: one learning rate serves all its layers,
so see how far each curve is from level. The abscissa is the layer, the ordinate, logarithmic, the norm of the
loss's gradient with respect to all parameters of the layer; first and last layers have another number of
weights than the rest. Lines are means over seeds and bands their 95 % intervals (number of seeds:
{{ layer_gradients.seeds | length }}); what is undefined, or zero on a logarithmic axis, is named above its
panel. Made from one minibatch of {{ layer_gradients.batch_size }} training images of {{ dataset }} for each
seed, with networks {{ layer_gradients.hidden_width }} units wide and {{ layer_gradients.initial_weights }}
initial weights.
""",
)


NAMES = {"relu": "rectifiers", "tanh": "tanh", "sigmoid": "sigmoids"}


@styled
def draw(layer_gradients: pd.DataFrame) -> Figure:
    """Norm of the gradient of each layer's parameters: a panel for each activation and depth.

    Args:
        layer_gradients: table layer_gradients.
    """
    panes = divide(layer_gradients, "activation", "depth")
    titles = [f"{NAMES[activation]}, {depth} layers" for activation, depth in panes]
    figure, grid = panels(titles, columns=2, row_height=5.0, sharey="row")
    for axes, norms in zip(grid.flat, panes.values(), strict=False):
        log_axis(axes.yaxis)
        for network, rows in divide(norms, "network").items():
            name = arm_name(network, "sgd")
            draw_curve(axes, rows, "layer", name, LOOKS[network])
            name_missing(axes, rows, "layer", name)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("layer (1 is next to the input)")
    for row in grid:
        row[0].set_ylabel("gradient norm\n(nats per unit of a parameter)")
    label_lines(figure)
    return figure
