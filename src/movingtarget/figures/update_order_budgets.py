"""Figure: the loss that every update order reaches with the same budget."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.rows import draw_mean, thin_out_ticks
from movingtarget.drawing.style import FONT_SIZE, LINE_HEIGHT, styled
from movingtarget.drawing.update_orders import BUDGETS, regime_panels, regimes_of
from movingtarget.figure import Drawing
from movingtarget.look import GREY
from movingtarget.statistics.rows import where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_order_budgets",),
    caption="""\
What layers that move one after the other reach at the same price as all at once: left of the thin line of
its colour, a marker beats simultaneous updates. Budgets are as many steps as there are sweeps, the FLOPs
of these sweeps, and the seconds in which simultaneous updates spend as many FLOPs; "as many steps" takes
as many simultaneous steps on a sweep's examples as the sweep has layers. Markers are means over seeds and
bars their 95 % intervals (number of seeds: {{ update_orders.seeds | length }}), over decades where one
seed lies far from the others; where seeds diverged, a cross at the right edge gives their number. Made by
training networks of {{ update_orders.depth }} hidden layers, {{ update_orders.hidden_width }} units wide,
on {{ dataset }}, each order and budget at its own best rate: {{
update_orders.regimes["full-batch"].sweeps }} sweeps on a full batch of {{
update_orders.regimes["full-batch"].examples }} images, {{ update_orders.regimes.minibatch.sweeps }} on
minibatches of {{ update_orders.regimes.minibatch.examples }}, {{ update_orders.regimes.fresh.sweeps }}
with a minibatch for each layer.
""",
)

APART = 0.22
"""Between an order's markers, in rows."""

SHOWN = ("simultaneous", "forward", "fresh", "repeated", "repeated-fresh")
"""Orders that the question is about; the report's table has the others."""


@styled
def draw(update_order_budgets: pd.DataFrame) -> Figure:
    """Training loss under three budgets: a row of panels for each regime, a column for the first networks.

    Args:
        update_order_budgets: table update_order_budgets.
    """
    shown = update_order_budgets[update_order_budgets["order"].isin(SHOWN)]
    orders = {
        regime: [order for order in SHOWN if order in set(where(shown, regime=regime)["order"])]
        for regime in regimes_of(shown)
    }
    heights = [len(names) for names in orders.values()]
    row_height = (1.5 * sum(heights) / len(heights) * LINE_HEIGHT + 6 * FONT_SIZE) / 72 * 2.54
    figure, placed = regime_panels(shown, row_height, sharey="row", heights=heights)
    for (regime, network), axes in placed.items():
        log_axis(axes.xaxis)
        _draw_network(axes, where(shown, regime=regime, network=network), orders[regime])
        thin_out_ticks(axes)
        axes.set_yticks(range(len(orders[regime])), [UPDATE_ORDERS[order].title for order in orders[regime]])
        axes.set_ylim(len(orders[regime]) - 0.4, -0.6)
        axes.set_ylabel(axes.get_ylabel().replace("minibatch a", "minibatch\na"))
    figure.supxlabel("training loss (nats)")
    figure.align_ylabels()
    keys = [Line2D([], [], linestyle="none", label=name, **look) for name, look in BUDGETS.values()]
    figure.legend(handles=keys, loc="outside upper right", ncols=len(keys), frameon=False)
    return figure


def _draw_network(axes: Axes, rows: pd.DataFrame, orders: list[str]) -> None:
    """Three markers in each order's row, and lines at what simultaneous updates reach."""
    for budget, (_, look) in BUDGETS.items():
        reference = where(rows, order="simultaneous", budget=budget)["train_loss"].mean(skipna=False)
        axes.axvline(reference, color=look["color"], linewidth=0.5, alpha=0.7)
    for place, order in enumerate(orders):
        axes.axhline(place + 0.5, color=GREY, linewidth=0.2)
        for shift, (budget, (_, look)) in enumerate(BUDGETS.items(), start=-1):
            losses = where(rows, order=order, budget=budget)["train_loss"]
            if not losses.empty:
                draw_mean(axes, losses, place + APART * shift, look)
