"""Figure: the final loss of every update order at every learning rate, and the largest stable one."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure

from movingtarget.drawing.style import FONT_SIZE, LINE_HEIGHT, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.best_rate import best_learning_rate
from movingtarget.statistics.rows import divide, where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=(
        "update_orders",
        "stable_rates",
    ),
    caption="""\
How large a learning rate every update order bears: see how far to the right the red bar stands, and
whether the lowest loss of the row, in bold, is lower than that of simultaneous updates. Each cell holds
the training loss at the last step in nats, the mean over seeds, the darker the lower and white at that
of the untrained networks; a cross with a number stands for seeds that diverged, of all (number of
seeds: {{ update_orders.seeds | length }}). The bar stands to the right of the largest rate up to which
every rate leaves every seed with a finite loss below that of step 0, or at the left edge if the
smallest does not. Made by training networks of {{ update_orders.depth }} hidden layers, {{
update_orders.hidden_width }} units wide, for {{ update_orders.steps }} steps on minibatches of {{
update_orders.batch_size }} images of {{ dataset }}, every order at the same {{
update_orders.learning_rates | length }} rates, evaluated on the first {{
update_orders.evaluation_examples }} training images.
""",
)

COLOURS: Colormap = sns.light_palette("#4477AA", reverse=True, as_cmap=True)
"""From low losses, dark, to high ones."""

DARK_BELOW = 0.4
"""On the scale of colours, from 0 to 1."""

BAR = "#EE6677"


@styled
def draw(update_orders: pd.DataFrame, stable_rates: pd.DataFrame) -> Figure:
    """A panel for each network: orders by learning rates, with the final training loss in each cell.

    Args:
        update_orders: table update_orders.
        stable_rates: table stable_rates, of the same arms.
    """
    steps = update_orders["step"]
    last = update_orders[steps == steps.max()]
    untrained = update_orders.loc[steps == steps.min(), "train_loss"].mean()
    lowest = np.nanmin([*last["train_loss"], untrained / 2])
    scale = LogNorm(lowest, untrained, clip=True)
    orders = [order for order in UPDATE_ORDERS if order in set(last["order"])]
    networks = divide(last, "network")
    titles = [arm_name(network, "sgd") for network in networks]
    height = (1.4 * len(orders) * LINE_HEIGHT + 7 * FONT_SIZE) / 72 * 2.54
    figure, grid = panels(titles, columns=2, row_height=height, sharey=True)
    for axes, (network, rows) in zip(figure.axes, networks.items(), strict=True):
        _draw_losses(axes, rows, orders, scale)
        _mark_stable(axes, where(stable_rates, network=network), orders, rows["learning_rate"])
        axes.set_xlabel("learning rate")
    grid[0, 0].set_yticks(range(len(orders)), [UPDATE_ORDERS[order].title for order in orders])
    return figure


def _draw_losses(axes: Axes, rows: pd.DataFrame, orders: Sequence[str], scale: Normalize) -> None:
    """A cell for each order and rate, coloured and inscribed with its mean; an order's best rate in bold."""
    rates = sorted(rows["learning_rate"].unique())
    cells = [
        [where(rows, order=order, learning_rate=rate)["train_loss"] for rate in rates] for order in orders
    ]
    means = np.array([[losses.mean(skipna=False) for losses in row] for row in cells])
    axes.imshow(means, cmap=COLOURS, norm=scale, aspect="auto", interpolation="none")
    best = [rates.index(best_learning_rate(where(rows, order=order))) for order in orders]
    for (row, column), mean in np.ndenumerate(means):
        is_best = column == best[row] and np.isfinite(mean)
        look: Look = {
            "weight": "bold" if is_best else "normal",
            "color": "white" if scale(mean) < DARK_BELOW else DARK,
        }
        axes.text(column, row, _written(cells[row][column]), ha="center", va="center_baseline", **look)
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)


def _written(losses: pd.Series) -> str:
    """The mean in at most four letters, or a cross and how many of how many seeds diverged."""
    if lost := int((~np.isfinite(losses)).sum()):
        return f"\N{MULTIPLICATION SIGN}{lost}/{len(losses)}"
    mean = losses.mean()
    if mean >= 1000:
        return ">999"
    return f"{mean:.2f}" if mean < 9.995 else f"{mean:.0f}"


def _mark_stable(axes: Axes, stable: pd.DataFrame, orders: Sequence[str], rates: pd.Series) -> None:
    """A bar to the right of the largest rate that is stable with every seed; at the left if none is."""
    tried = np.unique(rates)
    for row, order in enumerate(orders):
        largest = where(stable, order=order)["value"].min()
        edge = np.searchsorted(tried, largest, side="right") - 0.5
        bar: Look = {"color": BAR, "linewidth": 2.5, "solid_capstyle": "butt", "clip_on": False}
        axes.plot([edge, edge], [row - 0.5, row + 0.5], **bar)
