"""Figure: what rates or stages of their own for the layers reach in training from scratch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.rows import draw_mean, thin_out_ticks
from movingtarget.drawing.style import FONT_SIZE, LINE_HEIGHT, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.statistics.rows import divide, where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_remedies",
    tables=("remedies",),
    caption="""\
Whether rates or stages of their own for the layers help in training from scratch: left of the thin line, they
do. Greedy training, which adds the layers one by one before all are trained, has to beat the longer
simultaneous one, too, which takes as many steps in all; smaller early or late rates fall by 2.6 from layer to
layer towards the input or the output, LARS sets each by the norms of weights and gradient, freezing in order
stops the layers one by one from the bottom. Markers are means over seeds and bars their 95 % intervals
(number of seeds: {{ remedies.seeds | length }}), and a cross at the right edge counts seeds that diverged.
Made by training networks of {{ remedies.depth }} hidden layers, {{ remedies.hidden_width }} units wide, for
{{ remedies.steps }} steps on minibatches of {{ remedies.batch_size }} images of {{ dataset }}, greedy ones
after {{ remedies.pretraining_steps }} steps of stages, each at its own best rate, found with other seeds.
""",
)

LONGER: tuple[str, Look] = ("simultaneous, longer", {"color": GREY, "marker": "o"})


@styled
def draw(remedies: pd.DataFrame) -> Figure:
    """Training loss at the end: a column for each network, a row in it for each order.

    Args:
        remedies: table remedies.
    """
    networks = divide(remedies, "network", "activation")
    orders = [*divide(remedies, "order")]
    titles = [f"{arm_name(network, 'sgd')}, {activation}" for network, activation in networks]
    height = (1.6 * len(orders) * LINE_HEIGHT + 6 * FONT_SIZE) / 72 * 2.54
    figure, (row,) = panels(titles, len(titles), height, sharey=True)
    for axes, rows in zip(row, networks.values(), strict=True):
        log_axis(axes.xaxis)
        _draw_ends(axes, rows, orders)
        thin_out_ticks(axes)
        axes.set_xlabel("training loss (nats)")
    row[0].set_yticks(range(len(orders)), [_title_and_look(order)[0] for order in orders])
    row[0].set_ylim(len(orders) - 0.4, -0.6)
    return figure


def _title_and_look(order: str) -> tuple[str, Look]:
    entry = UPDATE_ORDERS.get(order)
    return (entry.title, entry.look) if entry else LONGER


def _draw_ends(axes: Axes, rows: pd.DataFrame, orders: list[str]) -> None:
    """The last loss of each order that a network was trained by, and a line at simultaneous updates."""
    ends = {order: _last_losses(where(rows, order=order)) for order in divide(rows, "order")}
    axes.axvline(ends["simultaneous"].mean(skipna=False), color=GREY, linewidth=0.5)
    for place, order in enumerate(orders):
        if order in ends:
            _, look = _title_and_look(order)
            draw_mean(axes, ends[order], place, {"color": look["color"], "marker": look["marker"]})


def _last_losses(rows: pd.DataFrame) -> pd.Series:
    return where(rows, step=rows["step"].max())["train_loss"]
