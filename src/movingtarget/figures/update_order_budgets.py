"""Figure: the loss that every update order reaches with the same budget."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter

from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.style import FONT_SIZE, LINE_HEIGHT, styled
from movingtarget.drawing.update_orders import BUDGETS, orders_of, regime_panels, regimes_of
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_order_budgets",),
    caption="""\
What every update order reaches at the same price: a marker to the left of the thin vertical line of its
colour beats simultaneous updates under that budget. The abscissa is the training loss in nats,
logarithmic. Budgets are as many steps as there are sweeps (a step of a sweep moves every layer once), the
FLOPs of these sweeps, and the seconds in which simultaneous updates spend as many FLOPs; each has its own
learning rate, chosen on {{ update_orders.tuning_seeds | length }} other seeds to within a factor of 1.5,
but that seconds go by that of FLOPs. Markers are means over seeds and bars their 95 % intervals (number
of seeds: {{ update_orders.seeds | length }}); where seeds diverged, a cross at the right edge gives their
number. Made by training networks of {{ update_orders.depth }} hidden layers, {{
update_orders.hidden_width }} units wide, on {{ dataset }}: {{ update_orders.regimes["full-batch"].sweeps
}} sweeps on a full batch of {{ update_orders.regimes["full-batch"].examples }} images, {{
update_orders.regimes.minibatch.sweeps }} on minibatches of {{ update_orders.regimes.minibatch.examples
}}, {{ update_orders.regimes.fresh.sweeps }} with a minibatch for each layer.
""",
)

APART = 0.22
"""Between an order's markers, in rows."""

GROUPS = ("reference", "recomputed", "repeated", "subset", "remedy")


@styled
def draw(update_order_budgets: pd.DataFrame) -> Figure:
    """Training loss under three budgets: a row of panels for each regime, a column for each network.

    Args:
        update_order_budgets: table update_order_budgets.
    """
    shown = update_order_budgets[update_order_budgets["order"].isin(orders_of(update_order_budgets, *GROUPS))]
    orders = {regime: orders_of(where(shown, regime=regime), *GROUPS) for regime in regimes_of(shown)}
    heights = [len(names) for names in orders.values()]
    row_height = (1.3 * sum(heights) / len(heights) * LINE_HEIGHT + 9 * FONT_SIZE) / 72 * 2.54
    figure, placed = regime_panels(shown, row_height, sharey="row", heights=heights)
    for (regime, network), axes in placed.items():
        log_axis(axes.xaxis)
        _draw_network(axes, where(shown, regime=regime, network=network), orders[regime])
        axes.xaxis.set(
            major_locator=FixedLocator(_few_ticks(*axes.get_xlim())), minor_formatter=NullFormatter()
        )
        axes.set_yticks(range(len(orders[regime])), [UPDATE_ORDERS[order].title for order in orders[regime]])
        axes.set_ylim(len(orders[regime]) - 0.4, -0.6)
    figure.supxlabel("training loss (nats)")
    figure.align_ylabels()
    keys = [Line2D([], [], linestyle="none", label=name, **look) for name, look in BUDGETS.values()]
    figure.legend(handles=keys, loc="outside upper right", ncols=len(keys), frameon=False)
    return figure


def _few_ticks(low: float, high: float) -> list[float]:
    """Round numbers on a short logarithmic axis, few enough for their labels not to meet.

    >>> _few_ticks(0.008, 0.3), _few_ticks(0.02, 0.2), _few_ticks(0.15, 0.6)
    ([0.01, 0.1], [0.03, 0.1], [0.2, 0.5])
    """
    decades = np.log10(high / low)
    digits = [1] if decades > 1.3 else [1, 3] if decades > 0.7 else [1, 2, 5]
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]


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
                _draw_losses(axes, losses, place + APART * shift, look)


def _draw_losses(axes: Axes, losses: pd.Series, height: float, look: Look) -> None:
    """Mean over seeds and its interval; a cross at the right edge, with their number, if seeds diverged."""
    if lost := int((~np.isfinite(losses)).sum()):
        axes.plot(1, height, "x", color=look["color"], transform=axes.get_yaxis_transform(), clip_on=False)
        text = f"{lost}/{len(losses)}"
        axes.annotate(text, (1, height), (4, 0), axes.get_yaxis_transform(), "offset points", va="center")
        return
    mean, low, high = mean_interval(losses)
    axes.plot([low, high], [height, height], color=look["color"], linewidth=0.8)
    axes.plot(mean, height, linestyle="none", markersize=3.5, **look)
