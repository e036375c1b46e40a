"""Figure: how near LocoProp's layers come to their cached targets, and how far their real ones have moved."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.autoencoders import methods_of
from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_locoprop",
    tables=("local_targets",),
    caption="""\
Whether targets stand still while layers chase them: at the left, how much of the way to its cached
target a layer has left after its local steps, 0 if it is there and 1, the thin line, if it has stayed; at
the right, how far the other layers have moved its real target meanwhile, 0 if it stands still and 1 if as
far as that way was. Both are ratios of norms over all examples and units, by layer, from the images to
the reconstruction; the darker the line, the later in training. Lines are means over seeds and bands their
95 % intervals (number of seeds: {{ autoencoders.seeds | length }}). Made after epochs {{
local_targets.epochs | join(", ") }} of {{ autoencoders.search_epochs }}, with {{ autoencoders.iterations
}} local steps for the next minibatch and, for the real targets, a pass through the network once all
layers have moved and one once that layer alone has.
""",
)

QUANTITIES = {"left": "left of the way", "moved": "target moved by the others"}


@styled
def draw(local_targets: pd.DataFrame) -> Figure:
    """A row for each method: both quantities against the layer, a line for each epoch.

    Args:
        local_targets: table of that name.
    """
    methods, layers = methods_of(local_targets), np.unique(local_targets["layer"])
    titles = [f"{METHODS[method].title}: {what}" for method in methods for what in QUANTITIES.values()]
    figure, grid = panels(titles, 2, 5.0, sharex=True, widths=[1, 1.3])
    for row, method in zip(grid, methods, strict=True):
        for axes, quantity in zip(row, QUANTITIES, strict=True):
            rows = where(local_targets, method=method, quantity=quantity)
            if quantity == "moved":
                log_axis(axes.yaxis)
            axes.plot(layers[[0, -1]], [1, 1], color=DARK, linewidth=0.5, label="_")
            by_epoch = divide(rows, "epoch")
            colours = shades(METHODS[method].look["color"], len(by_epoch))
            for (epoch, of_epoch), colour in zip(sorted(by_epoch.items()), colours, strict=True):
                look: Look = {"color": colour, "marker": "o", "linestyle": "-"}
                name = f"epoch {epoch}" if quantity == "moved" else "_"
                draw_curve(axes, of_epoch, "layer", name, look)
                name_missing(axes, of_epoch, "layer", f"epoch {epoch}")
            axes.set_xticks(layers)
            if quantity == "left":
                axes.set_ylim(bottom=0)
        row[0].set_ylabel("share of the way")
    for axes in grid[-1]:
        axes.set_xlabel("layer")
    label_lines(figure)
    return figure
