"""Figure: training with layers moved one after the other, along gradients computed again, at its costs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged, missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import styled
from movingtarget.drawing.update_orders import orders_of, regime_panels, room_for_names
from movingtarget.figure import Drawing
from movingtarget.look import GREY
from movingtarget.statistics.rows import where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_orders",),
    caption="""\
Whether it pays to compute the gradient again for each layer: along the thin vertical line, see whether the
sweep lies below simultaneous updates. The line stands at what the sweeps have spent in the end; rows are a
full batch, one minibatch a step, a whole sweep included, and a fresh minibatch for each layer; the abscissa
is the cost in FLOPs of one member's matrix products. Lines are means over seeds and bands their 95 %
intervals (number of seeds: {{ update_orders.seeds | length }}); a line of which a seed diverged ends there,
under a cross that gives their number, and hairlines only lead to names. Made by training networks of
{{ update_orders.depth }} hidden layers, {{ update_orders.hidden_width }} units wide, on {{ dataset }}, each
course at its own best learning rate.
""",
)

COURSES = {"simultaneous": "long-flop"}
"""The course drawn of an order, if it is not the one of the sweeps' number."""

DRAWN = ("simultaneous", "forward", "fresh", "repeated", "repeated-fresh")


@styled
def draw(update_orders: pd.DataFrame) -> Figure:
    """Training loss against FLOPs: a row for each regime, a column for the first networks.

    Args:
        update_orders: table update_orders.
    """
    rows = update_orders[(update_orders["step"] > 0) & update_orders["order"].isin(DRAWN)]
    course = rows["order"].map(COURSES).fillna("sweep")
    curves = rows[rows["budget"] == course].assign(
        value=lambda drawn: drawn["train_loss"], gigaflops=lambda drawn: drawn["flops"] / 1e9
    )
    figure, placed = regime_panels(curves, row_height=3.0, sharey="row", widths=room_for_names(curves))
    last_regime, last_network = [*placed][-1]
    mark_diverged(
        {
            axes: _draw_arms(axes, where(curves, regime=regime, network=network), network == last_network)
            for (regime, network), axes in placed.items()
        }
    )
    for (regime, _), axes in placed.items():
        if regime == last_regime:
            axes.set_xlabel("cost (GFLOP)")
        if label := axes.get_ylabel():
            axes.set_ylabel(label.replace("minibatch a", "minibatch\na") + "\nloss (nats)")
    figure.align_ylabels()
    label_lines(figure)
    return figure


def _draw_arms(axes: Axes, rows: pd.DataFrame, named: bool) -> list[Divergence]:
    """Every order's curve up to where a seed of it diverges, and what diverges there."""
    for axis in (axes.xaxis, axes.yaxis):
        log_axis(axis)
    axes.xaxis.set(major_locator=LogLocator(numticks=3), minor_formatter=NullFormatter())
    for sweeps in orders_of(rows, "recomputed"):
        end = where(rows, order=sweeps)["gigaflops"].max()
        axes.axvline(end, color=GREY, linewidth=0.5, label="_")
    divergences = []
    for order in orders_of(rows, "reference", "recomputed", "repeated"):
        of_order, entry = where(rows, order=order), UPDATE_ORDERS[order]
        name = entry.title if named else ""
        draw_curve(axes, of_order, "gigaflops", name or "_", entry.look)
        if places := missing(axes, of_order, "gigaflops"):
            seeds = of_order["seed"].nunique()
            lost = of_order.loc[~np.isfinite(of_order["value"]), "seed"].nunique()
            divergences.append(Divergence(name, entry.look, seeds, {places[0]: lost}))
    return divergences
