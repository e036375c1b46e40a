"""Figure: the loss with and without batch norm, layers moved together and one at a time."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.style import LOOKS, arm_name, panels, styled
from movingtarget.drawing.update_orders import REGIMES
from movingtarget.figure import Drawing
from movingtarget.settings import SWEEPS
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_order_budgets",),
    caption="""\
Whether moving one layer at a time does what batch norm does: compare the plain network's lower marker in a
panel, whose layers move one at a time, with the batch-norm network's upper one, whose layers move
together. The abscissa is the training loss in nats after as many steps, in each panel on a scale of its own;
a panel is a way of showing the examples. Markers are means over seeds and bars their 95 % intervals (number
of seeds: {{ update_orders.seeds | length }}). Made with networks of {{ update_orders.depth }} hidden layers,
{{ update_orders.hidden_width }} units wide, on {{ dataset }}, at learning rates chosen on other seeds.
""",
)

NETWORKS = ("plain", "batch-norm")


@styled
def draw(update_order_budgets: pd.DataFrame) -> Figure:
    """Training losses of two networks under two orders: a panel for each regime.

    Args:
        update_order_budgets: table update_order_budgets.
    """
    regimes = [regime for regime in REGIMES if regime in set(update_order_budgets["regime"])]
    figure, (row,) = panels(
        [REGIMES[regime] for regime in regimes], len(regimes), row_height=4.2, sharey=True
    )
    for axes, regime in zip(row, regimes, strict=True):
        axes.xaxis.set_major_locator(MaxNLocator(4))
        _draw_regime(axes, where(update_order_budgets, regime=regime, budget="sweep"), SWEEPS[regime])
        axes.set_xlabel("training loss (nats)")
    return figure


def _draw_regime(axes: Axes, rows: pd.DataFrame, sweep: str) -> None:
    arms = [(network, order) for network in NETWORKS for order in ("simultaneous", sweep)]
    for place, (network, order) in enumerate(arms):
        losses = where(rows, network=network, order=order)["train_loss"]
        if losses.empty:
            continue
        mean, low, high = mean_interval(losses)
        look = LOOKS[network]
        axes.plot([low, high], [place] * 2, color=look["color"], linewidth=0.8)
        axes.plot(mean, place, color=look["color"], marker=look["marker"], linestyle="none")
    how = {"simultaneous": "together"}
    names = [f"{arm_name(network, 'sgd')}, {how.get(order, 'one at a time')}" for network, order in arms]
    axes.set_yticks(range(len(arms)), names)
    axes.set_ylim(len(arms) - 0.5, -0.5)
