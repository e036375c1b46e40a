"""Figure: how learning rates of update orders were chosen, and the largest at which they still learn."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import blended_transform_factory

from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import styled
from movingtarget.drawing.update_orders import orders_of, regime_panels, room_for_names
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_orders_search", "stable_rates"),
    caption="""\
How large a learning rate a sweep bears, and how the rates were chosen: compare the bars at the top, and the
ringed lowest points of the curves. A bar spans the seeds' largest rates at which an order still learns, with
a tick at their median; a curve is the mean loss after as many steps as there are sweeps over
{{ update_orders.tuning_seeds | length }} seeds, none of them tested later, and ends where one of them
diverged. The largest rate was found for each of {{ update_orders.seeds | length }} seeds by bisection to 2.2
%: there the loss ends below 0.9 times that of the uniform guess after
{{ stable_rates.horizons["full-batch"].sweeps }} steps on a full batch and
{{ stable_rates.horizons.minibatch.sweeps }} on minibatches. Made by training networks of
{{ update_orders.depth }} hidden layers, {{ update_orders.hidden_width }} units wide, on {{ dataset }}.
""",
)

DRAWN = ("simultaneous", "forward", "fresh", "repeated", "repeated-fresh")


@styled
def draw(search: pd.DataFrame, stable_rates: pd.DataFrame) -> Figure:
    """Loss against learning rate: a row of panels for each regime, a column for the first networks.

    Args:
        search: table update_orders_search.
        stable_rates: table stable_rates.
    """
    shown = where(search[search["order"].isin(DRAWN)], budget="sweep")
    figure, placed = regime_panels(shown, row_height=3.7, sharey="row", widths=room_for_names(shown))
    last_regime, last_network = [*placed][-1]
    for (regime, network), axes in placed.items():
        for axis in (axes.xaxis, axes.yaxis):
            log_axis(axis)
        axes.xaxis.set(major_locator=LogLocator(numticks=3), minor_formatter=NullFormatter())
        _draw_searches(axes, where(shown, regime=regime, network=network), network == last_network)
        _draw_stable(axes, where(stable_rates, regime=regime, network=network))
        if regime == last_regime:
            axes.set_xlabel("learning rate")
        if label := axes.get_ylabel():
            axes.set_ylabel(f"{label}\ntraining loss (nats)")
    figure.align_ylabels()
    label_lines(figure)
    return figure


def _draw_searches(axes: Axes, rows: pd.DataFrame, named: bool) -> None:
    """Mean losses of every order at the rates tried, up to those with a diverged seed; the best ringed."""
    for order in orders_of(rows, "reference", "recomputed", "repeated"):
        of_order = where(rows, order=order)
        means = of_order.groupby("learning_rate")["train_loss"].mean(skipna=False)
        finite = means[np.isfinite(means)]
        if finite.empty:
            continue
        name = UPDATE_ORDERS[order].title if named else "_"
        axes.plot(finite, label=name, **UPDATE_ORDERS[order].look | SMALL)
        best = of_order.loc[of_order["place"] != "tried", "learning_rate"].iloc[0]
        axes.plot(best, means[best], "o", label="_", **RING)


SMALL: Look = {"markersize": 2.5}
RING: Look = {"markersize": 7, "markerfacecolor": "none", "markeredgecolor": DARK, "markeredgewidth": 0.8}


def _draw_stable(axes: Axes, rows: pd.DataFrame) -> None:
    """For each order a bar over the seeds' largest rates near the panel's top, a tick at their median."""
    place = blended_transform_factory(axes.transData, axes.transAxes)
    for level, (order, of_order) in enumerate(divide(rows, "order").items()):
        finite = of_order["value"][np.isfinite(of_order["value"])]
        if finite.empty:
            continue
        colour, height = UPDATE_ORDERS[order].look["color"], 0.97 - 0.05 * level
        axes.plot([finite.min(), finite.max()], [height] * 2, color=colour, transform=place, label="_")
        axes.plot(finite.median(), height, "|", markersize=7, color=colour, transform=place, label="_")
        axes.update_datalim([(finite.max(), axes.dataLim.y1)], updatey=False)
