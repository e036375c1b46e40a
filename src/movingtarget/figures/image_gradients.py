"""Figure: correlation of gradients between images and their norm, layer by layer."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.figures.curves import draw_arms, log_axis
from movingtarget.figures.labels import label_lines
from movingtarget.figures.style import letter, panels, styled

STAGES = {"initialisation": "at initialisation", "trained": "trained"}
QUANTITIES = {
    "correlation": "correlation\n(1 for equal gradients)",
    "gradient_norm": "gradient norm\n(per unit of output)",
}


@styled
def draw(gradients: pd.DataFrame) -> Figure:
    """Two rows of panels for each depth, correlation and norm against layer, before and after training.

    Args:
        gradients: table image_gradients.
    """
    rows = [(depth, quantity) for depth in sorted(gradients["depth"].unique()) for quantity in QUANTITIES]
    figure, grid = panels(len(rows), len(STAGES), row_height=4.3, sharey="row")
    for line, (depth, quantity) in zip(grid, rows, strict=True):
        for axes, (stage, when) in zip(line, STAGES.items(), strict=True):
            shown = {"depth": depth, "stage": stage, "quantity": quantity}
            axes.set_title(f"depth {depth}, {when}")
            if quantity == "gradient_norm":
                log_axis(axes.yaxis)
            draw_arms(axes, gradients[(gradients[[*shown]] == pd.Series(shown)).all(axis=1)], "layer")
            axes.set(xlabel="layer (1 is next to the input)", ylabel=QUANTITIES[quantity])
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    letter(figure)
    label_lines(figure, room=0.4)
    return figure
