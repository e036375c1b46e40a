"""Figure: the three answers, a panel each."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import draw_curve, log_axis
from movingtarget.drawing.early_steps import SCALES
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import draw_level
from movingtarget.drawing.rows import draw_mean
from movingtarget.drawing.style import LOOKS, arm_name, panels, styled
from movingtarget.drawing.update_orders import REGIMES
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.settings import SWEEPS
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_order_budgets", "early_steps"),
    caption="""\
The three answers in three panels. Left of zero, (a) one layer at a time ends lower than all at once for
the same FLOPs, and (b) one at a time without batch norm lower than all at once with it after as many
steps; (c) is the share of their promise that steps keep at each network's best rate, less than half below
the upper line, and above the lower one the loss falls all the same. Markers and lines are means over
seeds, bars, bands and the text's brackets their intervals (number of seeds: {{ update_orders.seeds |
length }}, in (c) {{ early_steps.seeds | length }}), of 95 %, in the text wider where several tests answer
one question. Made with networks of {{ update_orders.depth }} hidden layers of {{
update_orders.hidden_width }} units, in (c) {{ early_steps.depth }} of {{ early_steps.hidden_width }}, on
{{ dataset }}; differences are of training losses.
""",
)

TITLES = (
    "one layer at a time\nminus all at once",
    "one at a time, plain, minus\nall at once, batch norm",
    "promise kept,\nstep by step",
)
COMPARED = {"plain": -0.12, "batch-norm": 0.12}
"""Networks that are compared with themselves, and how far from the middle of a row each is drawn."""


@styled
def draw(update_order_budgets: pd.DataFrame, early_steps: pd.DataFrame) -> Figure:
    """Differences of losses in each regime, twice, and kept shares of promises.

    Args:
        update_order_budgets: table update_order_budgets.
        early_steps: table early_steps.
    """
    figure, (row,) = panels(TITLES, columns=3, row_height=4.7, widths=[1, 1, 1.3])
    for place, regime in enumerate(REGIMES):
        rows = where(update_order_budgets, regime=regime)
        of_flops, of_steps = where(rows, budget="long-flop"), where(rows, budget="sweep")
        for network, shift in COMPARED.items():
            together, apart = (network, "simultaneous"), (network, SWEEPS[regime])
            _draw_difference(row[0], of_flops, apart, together, place + shift)
        _draw_difference(row[1], of_steps, ("plain", SWEEPS[regime]), ("batch-norm", "simultaneous"), place)
    for axes, names in ((row[0], list(REGIMES.values())), (row[1], [])):
        axes.axvline(0, color=GREY, linewidth=0.5)
        axes.set_yticks(range(len(names)), [name.replace(" a ", "\na ") for name in names])
        axes.set_ylim(len(REGIMES) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.set_xlabel("difference (nats)")
    _draw_promises(row[2], early_steps)
    keys = [Line2D([], [], label=arm_name(network, "sgd"), **_marker(network)) for network in COMPARED]
    figure.legend(handles=keys, loc="outside lower left", ncols=len(keys), frameon=False)
    label_lines(figure)
    return figure


def _draw_difference(
    axes: Axes, rows: pd.DataFrame, first: tuple[str, str], second: tuple[str, str], height: float
) -> None:
    """The loss of the first network and order less that of the second, paired by seed; where both are."""
    losses = rows.pivot(index="seed", columns=["network", "order"], values="train_loss")
    if not {first, second} <= set(losses):
        return
    draw_mean(axes, losses[first] - losses[second], height, _marker(first[0]))


def _marker(network: str) -> Look:
    return {"color": LOOKS[network]["color"], "marker": LOOKS[network]["marker"], "linestyle": "none"}


def _draw_promises(axes: Axes, table: pd.DataFrame) -> None:
    """The share of its promise that each network keeps at its best rate, against the step."""
    chosen = where(table, batches="minibatches", norms="free", multiple=1.0, quantity="kept")
    scale = SCALES["kept"]
    log_axis(axes.xaxis)
    for height in (0.0, 0.5):
        draw_level({axes: chosen}, "step", height)
    for network, rows in divide(chosen, "network").items():
        held = rows.assign(value=rows["value"].clip(scale.least, scale.greatest))
        draw_curve(axes, held, "step", arm_name(network, "sgd"), LOOKS[network])
    axes.set_ylim(scale.least, scale.greatest)
    axes.set_xlabel("step")
    axes.set_ylabel("share kept")
