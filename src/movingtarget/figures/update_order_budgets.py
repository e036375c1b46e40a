"""Figure: the loss that every update order reaches with the same budget."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.style import FONT_SIZE, LINE_HEIGHT, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.statistics.best_rate import at_best_rates
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_order_budgets",),
    caption="""\
What every update order reaches at the same price: a marker to the left of the thin vertical line beats
simultaneous updates under its budget. The abscissa is the training loss in nats, logarithmic; a budget
is what simultaneous updates have spent by their last step, in steps, gradient evaluations, FLOPs or
seconds, and an order stands where it has spent as much, between two evaluations on the line through
both, or at its end if it is cheaper; the stale order is simultaneous to the last bit, but its time was
measured on its own. Markers are means over seeds and bars their 95 % intervals (number of seeds: {{
update_orders.seeds | length }}); where every learning rate had a diverged seed, a cross at the right
edge gives the number of seeds that diverged at the one chosen. Made by training networks of {{
update_orders.depth }} hidden layers, {{ update_orders.hidden_width }} units wide, for {{
update_orders.steps }} steps on minibatches of {{ update_orders.batch_size }} images of {{ dataset }},
evaluated after {{ update_orders.evaluation_steps | join(", ") }} steps, each order at its own best of
{{ update_orders.learning_rates | length }} learning rates for each budget, the one with the lowest mean
training loss there.
""",
)

BUDGETS: dict[str, tuple[str, Look]] = {  # colours from Paul Tol's high-contrast palette
    "sweep": ("steps", {"color": "#000000", "marker": "o"}),
    "gradient": ("gradient evaluations", {"color": "#004488", "marker": "^"}),
    "flop": ("FLOPs", {"color": "#DDAA33", "marker": "s"}),
    "second": ("seconds", {"color": "#BB5566", "marker": "D"}),
}
"""Name and look of each budget."""

APART = 0.2
"""Between an order's markers, in rows."""


@styled
def draw(update_order_budgets: pd.DataFrame) -> Figure:
    """Training loss under four budgets, each order at its best rate for each: a panel for each network.

    Args:
        update_order_budgets: table update_order_budgets.
    """
    best = at_best_rates(update_order_budgets, "network", "order", "budget")
    orders = [order for order in UPDATE_ORDERS if order in set(best["order"])]
    networks = divide(best, "network")
    titles = [arm_name(network, "sgd") for network in networks]
    height = (1.45 * len(orders) * LINE_HEIGHT + 7 * FONT_SIZE) / 72 * 2.54
    figure, grid = panels(titles, columns=2, row_height=height, sharey=True)
    for axes, rows in zip(figure.axes, networks.values(), strict=True):
        log_axis(axes.xaxis)
        axes.xaxis.set(major_locator=LogLocator(subs=(1, 2, 5), numticks=9), minor_formatter=NullFormatter())
        _draw_network(axes, rows, orders)
        axes.set_xlabel("training loss (nats)")
    grid[0, 0].set_yticks(range(len(orders)), [UPDATE_ORDERS[order].title for order in orders])
    grid[0, 0].set_ylim(len(orders) - 0.4, -0.6)
    keys = [Line2D([], [], linestyle="none", label=name, **look) for name, look in BUDGETS.values()]
    figure.legend(handles=keys, loc="outside upper right", ncols=len(keys), frameon=False)
    return figure


def _draw_network(axes: Axes, rows: pd.DataFrame, orders: list[str]) -> None:
    """Four markers in each order's row, and a line at what simultaneous updates reach."""
    reference = where(rows, order="simultaneous", budget="sweep")["train_loss"].mean(skipna=False)
    axes.axvline(reference, color=GREY, linewidth=0.5)
    for place, order in enumerate(orders):
        axes.axhline(place + 0.5, color=GREY, linewidth=0.2)
        for shift, (budget, (_, look)) in enumerate(BUDGETS.items()):
            height = place + APART * (shift - 1.5)
            _draw_losses(axes, where(rows, order=order, budget=budget)["train_loss"], height, look)


def _draw_losses(axes: Axes, losses: pd.Series, height: float, look: Look) -> None:
    """Mean over seeds and its interval; a cross at the right edge, with their number, if seeds diverged."""
    if lost := int((~np.isfinite(losses)).sum()):
        axes.plot(1, height, "x", color=look["color"], transform=axes.get_yaxis_transform(), clip_on=False)
        text = f"{lost}/{len(losses)}"
        axes.annotate(text, (1, height), (4, 0), axes.get_yaxis_transform(), "offset points", va="center")
        return
    mean, low, high = mean_interval(losses)
    axes.plot([low, high], [height, height], color=look["color"], linewidth=0.8)
    axes.plot(mean, height, linestyle="none", **look)
