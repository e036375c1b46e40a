"""Figure: training from scratch with rates or stages of their own for the layers."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged, missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.statistics.rows import divide, where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_remedies",
    tables=("remedies",),
    caption="""\
Whether rates or stages of their own for the layers do better than one gradient and one rate for all,
in training from scratch: compare each order with simultaneous updates, greedy training, which adds the
layers one by one before all are trained, also with as many simultaneous steps as it takes in all. The
ordinate is the training loss in nats, logarithmic, of the whole network, so that during the stages of
greedy training it is that of layers not yet trained; the thin vertical line stands at the end of
simultaneous updates, and FLOPs are those of one member's matrix products. Smaller early or late rates fall by
2.6 from layer to layer towards the input or the output, LARS sets each by the norms of weights and
gradient, freezing in order stops the layers one by one from the bottom. Lines are means over seeds and
bands their 95 % intervals (number of seeds: {{ remedies.seeds | length }}); a cross marks where seeds
diverged. Made by training networks of {{ remedies.depth }} hidden layers, {{ remedies.hidden_width }}
units wide, for {{ remedies.steps }} steps on minibatches of {{ remedies.batch_size }} images of {{
dataset }}, greedy ones after {{ remedies.pretraining_steps }} steps of stages, each order at its own
best rate, found with {{ remedies.tuning_seeds | length }} other seeds.
""",
)

LONGER: tuple[str, Look] = ("simultaneous, longer", {"color": GREY, "marker": "o", "linestyle": "--"})

COSTS = {"gigaflops": "cost (GFLOP a member)", "step": "steps (minibatches)"}


@styled
def draw(remedies: pd.DataFrame) -> Figure:
    """Training loss against cost and steps: a row for each network.

    Args:
        remedies: table remedies.
    """
    after = remedies[remedies["step"] > 0]
    curves = after.assign(value=after["train_loss"], gigaflops=after["flops"] / 1e9)
    networks = divide(curves, "network", "activation")
    titles = [title for arm in networks for title in (_name(*arm), "")]
    figure, grid = panels(titles, columns=2, row_height=4.6, sharey="row", widths=[1, 1.8])
    divergences = {}
    for row, rows in zip(grid, networks.values(), strict=True):
        log_axis(row[0].yaxis)
        row[0].set_ylabel("training loss (nats)")
        for axes, cost in zip(row, COSTS, strict=True):
            divergences[axes] = _draw_network(axes, rows, cost, named=cost == "step")
    mark_diverged(divergences)
    for axes, label in zip(grid[-1], COSTS.values(), strict=True):
        axes.set_xlabel(label)
    label_lines(figure)
    return figure


def _name(network: str, activation: str) -> str:
    return f"{arm_name(network, 'sgd')}, {activation}"


def _title_and_look(order: str) -> tuple[str, Look]:
    entry = UPDATE_ORDERS.get(order)
    return (entry.title, entry.look) if entry else LONGER


def _draw_network(axes: Axes, rows: pd.DataFrame, cost: str, named: bool) -> list[Divergence]:
    """Every order's curve up to where a seed of it diverges, and what diverges there."""
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.axvline(where(rows, order="simultaneous")[cost].max(), color=GREY, linewidth=0.5, label="_")
    divergences = []
    for order, of_order in divide(rows, "order").items():
        title, look = _title_and_look(order)
        name = title if named else ""
        draw_curve(axes, of_order, cost, name or "_", look)
        if places := missing(axes, of_order, cost):
            lost = of_order.loc[of_order[cost] == places[0], "value"].isna().sum()
            divergences.append(Divergence(name, look, of_order["seed"].nunique(), {places[0]: int(lost)}))
    return divergences
