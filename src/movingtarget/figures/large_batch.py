"""Figure: small and large batches, and LARS on the large one."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import Divergence, draw_curve, mark_diverged, missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_remedies",
    tables=("large_batch",),
    caption="""\
Whether a large batch costs accuracy and LARS wins it back: compare the ends of the lines, all of which have
seen equally many images. The ordinate is the accuracy on {{ large_batch.evaluation_examples }} test images;
all arms have a momentum of {{ large_batch.momentum }} and a weight decay of {{ large_batch.weight_decay }},
the first two with one rate for all layers, LARS with rates in proportion to each layer's norm over that of
its gradient. Lines are means over seeds and bands their 95 % intervals (number of seeds:
{{ large_batch.seeds | length }}); a cross marks where seeds diverged. Made by training networks of
{{ large_batch.depth }} hidden layers, {{ large_batch.hidden_width }} units wide, on minibatches of
{{ large_batch.batch_size }} and {{ large_batch.large_batch_size }} images of {{ dataset }}, each arm at its
own best rate, found with other seeds.
""",
)

LOOKS: dict[str, Look] = {
    "small batch": {"color": DARK, "marker": "o", "linestyle": "-"},
    "large batch": {"color": "#BB5566", "marker": "s", "linestyle": (0, (4, 1.5))},
    "large batch, LARS": UPDATE_ORDERS["lars"].look,
}


@styled
def draw(large_batch: pd.DataFrame) -> Figure:
    """Test accuracy against epochs: a panel for each family.

    Args:
        large_batch: table large_batch.
    """
    after = large_batch[large_batch["step"] > 0]
    networks = divide(after.assign(value=after["test_accuracy"]), "network")
    titles = [arm_name(network, "sgd") for network in networks]
    figure, grid = panels(titles, columns=2, row_height=5.0, sharey=True)
    divergences = {}
    for axes, rows in zip(figure.axes, networks.values(), strict=True):
        divergences[axes] = _draw_arms(axes, rows)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel("epochs")
    mark_diverged(divergences)
    grid[0, 0].set_ylabel("test accuracy")
    label_lines(figure)
    return figure


def _draw_arms(axes: Axes, rows: pd.DataFrame) -> list[Divergence]:
    """Every arm's curve up to where a seed of it diverges, and what diverges there."""
    divergences = []
    for arm, of_arm in divide(rows, "arm").items():
        draw_curve(axes, of_arm, "epoch", arm, LOOKS[arm])
        if places := missing(axes, of_arm, "epoch"):
            lost = int(of_arm.loc[of_arm["epoch"] == places[0], "value"].isna().sum())
            divergences.append(Divergence(arm, LOOKS[arm], of_arm["seed"].nunique(), {places[0]: lost}))
    return divergences
