"""What figures of update orders share: names, looks, and curves of the loss against its costs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged, missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import arm_name, panels, styled
from movingtarget.look import GREY
from movingtarget.statistics.best_rate import at_best_rates
from movingtarget.statistics.costs import with_seconds
from movingtarget.statistics.rows import divide, where
from movingtarget.update_orders import UPDATE_ORDERS

RECOMPUTED = [name for name, order in UPDATE_ORDERS.items() if order.group in ("reference", "recomputed")]
"""Orders that move a layer along its gradient at the current weights, and what they are compared with."""

REMEDIES = [name for name, order in UPDATE_ORDERS.items() if order.group in ("reference", "remedy")]
"""Other targets, rates or stages for the layers, and what they are compared with."""

COSTS = {  # steps last: there all lines end at one place, beside their names
    "seconds": "time\n(s, all members)",
    "gigaflops": "cost\n(GFLOP a member)",
    "gradient_evaluations": "gradient\nevaluations",
    "step": "steps\n(minibatches)",
}


@styled
def draw_orders(
    update_orders: pd.DataFrame, update_order_times: pd.DataFrame, orders: Sequence[str]
) -> Figure:
    """Training loss of some orders against four costs: a row for each network, a column for each cost.

    Args:
        update_orders: table update_orders.
        update_order_times: table update_order_times, of the same arms.
        orders: those drawn, as far as the tables have them.
    """
    timed = with_seconds(at_best_rates(update_orders, "network", "order"), update_order_times)
    curves = timed[timed["step"] > 0].assign(value=timed["train_loss"], gigaflops=timed["flops"] / 1e9)
    networks = divide(curves, "network")
    titles = [""] * len(COSTS) * len(networks)
    figure, grid = panels(titles, len(COSTS), row_height=4.2, sharey="row", widths=[1, 1, 1, 2.3])
    divergences = {}
    for row, (network, of_network) in zip(grid, networks.items(), strict=True):
        log_axis(row[0].yaxis)
        row[0].set_ylabel(f"{arm_name(network, 'sgd')}\ntraining loss (nats)")
        for axes, cost in zip(row, COSTS, strict=True):
            divergences[axes] = _draw_network(axes, of_network, cost, orders, named=axes is row[-1])
    mark_diverged(divergences)
    for axes, label in zip(grid[-1], COSTS.values(), strict=True):
        axes.set_xlabel(label)
    label_lines(figure)
    return figure


def _draw_network(
    axes: Axes, rows: pd.DataFrame, cost: str, orders: Sequence[str], named: bool
) -> list[Divergence]:
    """Every order's curve up to where a seed of it diverges, and what diverges there."""
    log_axis(axes.xaxis)
    axes.xaxis.set(major_locator=LogLocator(numticks=9), minor_formatter=NullFormatter())
    budget = where(rows, order="simultaneous")[cost].max()
    axes.axvline(budget, color=GREY, linewidth=0.5, label="_")
    divergences = []
    for order in orders:
        of_order, look = where(rows, order=order), UPDATE_ORDERS[order].look
        name = UPDATE_ORDERS[order].title if named else ""
        draw_curve(axes, of_order, cost, name or "_", look)
        if places := missing(axes, of_order, cost):
            lost = of_order.loc[~np.isfinite(of_order["value"]), "seed"].nunique()
            divergences.append(Divergence(name, look, of_order["seed"].nunique(), {places[0]: lost}))
    return divergences
