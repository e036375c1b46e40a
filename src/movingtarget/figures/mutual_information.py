"""Figure: mutual information between successive layers, before and after training."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.figures.curves import draw_arms
from movingtarget.figures.labels import label_lines
from movingtarget.figures.style import GREY, letter, panels, styled

SCALINGS = ["root-mean-square", "deviation"]


@styled
def draw(information: pd.DataFrame) -> Figure:
    """Two rows of panels for each depth, one for each scaling: information against layer, first and last step.

    Args:
        information: table mutual_information.
    """
    rows = [(depth, scaling) for depth in sorted(information["depth"].unique()) for scaling in SCALINGS]
    steps = {"at initialisation": information["step"].min(), "trained": information["step"].max()}
    figure, grid = panels(len(rows), len(steps), row_height=4.3, sharey=True)
    for line, (depth, scaling) in zip(grid, rows, strict=True):
        for axes, (when, step) in zip(line, steps.items(), strict=True):
            shown = {"depth": depth, "scaling": scaling, "step": step}
            panel = information[(information[[*shown]] == pd.Series(shown)).all(axis=1)]
            axes.set_title(f"depth {depth}, {when}")
            null = panel[panel["quantity"] == "permuted"].groupby("layer")["value"].mean()
            axes.plot(null, color=GREY, linewidth=0.8, label="permuted")
            draw_arms(axes, panel[panel["quantity"] == "information"], "layer")
            axes.set(
                xlabel="lower layer of the pair",
                ylabel=f"information (nats),\nunit {scaling.replace('-', ' ')}",
            )
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    letter(figure)
    label_lines(figure, room=0.4)
    return figure
