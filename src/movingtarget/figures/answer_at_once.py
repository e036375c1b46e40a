"""Figure: what moving one layer at a time changes at equal cost."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from movingtarget.drawing.style import arm_name, panels, styled
from movingtarget.drawing.update_orders import BUDGETS, REGIMES
from movingtarget.figure import Drawing
from movingtarget.look import GREY
from movingtarget.settings import SWEEPS
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_order_budgets",),
    caption="""\
What moving one layer at a time changes: a marker to the left of zero means that it ends at a lower loss
than moving all layers at once, with as many steps, FLOPs or seconds. The abscissa is the difference of
the final training losses in nats; a row is a way of showing the examples. Markers are means over seeds
and bars their 95 % intervals (number of seeds: {{ update_orders.seeds | length }}). Made with networks of
{{ update_orders.depth }} hidden layers, {{ update_orders.hidden_width }} units wide, on {{ dataset }}, at
learning rates chosen on other seeds.
""",
)

NETWORKS = ("plain", "batch-norm")
APART = 0.2


@styled
def draw(update_order_budgets: pd.DataFrame) -> Figure:
    """Differences of losses, sweeps less simultaneous updates: a panel for each network.

    Args:
        update_order_budgets: table update_order_budgets.
    """
    networks = [network for network in NETWORKS if network in set(update_order_budgets["network"])]
    titles = [arm_name(network, "sgd") for network in networks]
    figure, (row,) = panels(titles, columns=len(networks), row_height=4.6, sharey=True)
    for axes, network in zip(row, networks, strict=True):
        _draw_network(axes, where(update_order_budgets, network=network))
        axes.set_xlabel("difference of training losses (nats)")
    keys = [Line2D([], [], linestyle="none", label=name, **look) for name, look in BUDGETS.values()]
    figure.legend(handles=keys, loc="outside upper right", ncols=len(keys), frameon=False)
    return figure


def _draw_network(axes: Axes, rows: pd.DataFrame) -> None:
    axes.axvline(0, color=GREY, linewidth=0.5)
    for place, regime in enumerate(REGIMES):
        for shift, (budget, (_, look)) in enumerate(BUDGETS.items(), start=-1):
            losses = where(rows, regime=regime, budget=budget).pivot(
                index="seed", columns="order", values="train_loss"
            )
            if not {SWEEPS[regime], "simultaneous"} <= set(losses):
                continue
            mean, low, high = mean_interval(losses[SWEEPS[regime]] - losses["simultaneous"])
            height = place + APART * shift
            axes.plot([low, high], [height] * 2, color=look["color"], linewidth=0.8)
            axes.plot(mean, height, linestyle="none", **look)
    axes.set_yticks(range(len(REGIMES)), list(REGIMES.values()))
    axes.set_ylim(len(REGIMES) - 0.5, -0.5)
