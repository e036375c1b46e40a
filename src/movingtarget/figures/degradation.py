"""Figure: training error of deep networks until it has stopped falling, as in figure 1 of He et al. 2015."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.curves import draw_curve
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, arm_name, panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_training",
    tables=("degradation", "degradation_search"),
    caption="""\
Whether deeper networks are left with a higher training error: compare the ends of the curves within a
panel, not their beginnings, which tell of speed. A panel holds one family, a curve one depth, the deeper
the darker; the abscissa is the number of minibatches, the ordinate the share of training images that are
classified wrongly, the lowest so far, and a curve ends where no member has set a new lowest for {{
degradation.patience }} epochs, where none errs any more, or after {{ degradation.epochs }} epochs. Beside
the curves stand depth and, in brackets, learning rate, chosen on other seeds, and whether a further one
could be better; lines are means over seeds and bands their 95 % intervals (number of seeds: {{
degradation.seeds | length }}). Made by gradient descent on the first {{ degradation.examples }} training
images with minibatches of {{ degradation.batch_size }} in networks {{ degradation.hidden_width }} units
wide.
""",
)


@styled
def draw(scores: pd.DataFrame, searched: pd.DataFrame) -> Figure:
    """The lowest training error against steps: a panel for each network, a curve for each depth.

    Args:
        scores: table degradation.
        searched: table degradation_search.
    """
    networks = divide(where(scores, quantity="lowest_error"), "network")
    figure, grid = panels([arm_name(network, "sgd") for network in networks], 2, 5.6, sharey=True)
    for axes, (network, rows) in zip(grid.flat, networks.items(), strict=False):
        depths = divide(rows.sort_values("depth"), "depth")
        for shade, (depth, of_depth) in zip(
            shades(LOOKS[network]["color"], len(depths)), depths.items(), strict=True
        ):
            name = f"{depth} ({_rate(where(searched, network=network, depth=depth))})"
            draw_curve(axes, of_depth, "step", name, {"color": shade})
        axes.set_xlabel("step (minibatches)")
        axes.set_ylim(bottom=0)
    for axes in grid[:, 0]:
        axes.set_ylabel("training error (share)")
    label_lines(figure)
    return figure


def _rate(searched: pd.DataFrame) -> str:
    best = searched[searched["place"] != "tried"].iloc[0]
    edge = ", at an edge" if best["place"] == "best at an edge" else ""
    return f"{best['learning_rate']:.2g}{edge}"
