"""Figure: the three answers, a panel each."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import draw_curve, log_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import draw_level, middle
from movingtarget.drawing.style import LOOKS, arm_name, panels, styled
from movingtarget.drawing.update_orders import REGIMES
from movingtarget.figure import Drawing
from movingtarget.look import DARK, GREY, Look
from movingtarget.settings import SWEEPS
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=("update_order_budgets", "moving_target"),
    caption="""\
The three answers in three panels. Left of zero, (a) one layer at a time ends lower than all layers at once
for the same FLOPs, and (b), without batch norm, lower than all layers at once with it, after as many steps;
(c) is the share of its promise that a step keeps, and at the large markers where networks train best. Markers
and lines are means over seeds, bars and bands their 95 % intervals (number of seeds: {{ update_orders.seeds |
length }}, in (c) {{ moving_target.seeds | length }}), differences are of training losses, and kept shares
below 0 are held there. Made with networks of {{ update_orders.depth }} layers of {{
update_orders.hidden_width }} units, in (c) {{ (moving_target.depths | sort)[(moving_target.depths
| length - 1) // 2] }} of {{ moving_target.hidden_width }} after {{ moving_target.steps | max }} steps, on {{
dataset }}.
""",
)

TITLES = (
    "one layer at a\ntime, less all",
    "one at a time, less\nbatch norm and all",
    "promises kept\nin one step",
)
NETWORKS = ("plain", "batch-norm", "residual")
LARGE: Look = {"markersize": 8, "markeredgecolor": DARK, "label": "_"}
"""Of the marker at a network's own best rate."""


@styled
def draw(update_order_budgets: pd.DataFrame, moving_target: pd.DataFrame) -> Figure:
    """Differences of losses in each regime, twice, and kept shares of promises.

    Args:
        update_order_budgets: table update_order_budgets.
        moving_target: table moving_target.
    """
    figure, (row,) = panels(TITLES, columns=3, row_height=5.0, widths=[1, 1, 1.4])
    for place, regime in enumerate(REGIMES):
        rows = where(update_order_budgets, regime=regime)
        of_flops, of_steps = where(rows, budget="long-flop"), where(rows, budget="sweep")
        for shift, network in ((-0.12, "plain"), (0.12, "batch-norm")):
            together, apart = (network, "simultaneous"), (network, SWEEPS[regime])
            _draw_difference(row[0], of_flops, apart, together, place + shift)
        _draw_difference(row[1], of_steps, ("plain", SWEEPS[regime]), ("batch-norm", "simultaneous"), place)
    for axes, names in ((row[0], list(REGIMES.values())), (row[1], [])):
        axes.axvline(0, color=GREY, linewidth=0.5)
        axes.set_yticks(range(len(names)), [name.replace(" a ", "\na ") for name in names])
        axes.set_ylim(len(REGIMES) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.set_xlabel("difference (nats)")
    _draw_promises(row[2], moving_target)
    label_lines(figure)
    return figure


def _draw_difference(
    axes: Axes, rows: pd.DataFrame, first: tuple[str, str], second: tuple[str, str], height: float
) -> None:
    """The loss of the first network and order less that of the second, paired by seed; where both are."""
    losses = rows.pivot(index="seed", columns=["network", "order"], values="train_loss")
    if not {first, second} <= set(losses):
        return
    mean, low, high = mean_interval(losses[first] - losses[second])
    look = LOOKS[first[0]]
    axes.plot([low, high], [height] * 2, color=look["color"], linewidth=0.8, label="_")
    axes.plot(mean, height, color=look["color"], marker=look["marker"], linestyle="none", label="_")


def _draw_promises(axes: Axes, table: pd.DataFrame) -> None:
    """J / F against F / L at the middle depth and the last step, and where each network trains best."""
    depth, step = middle(table["depth"]), table["step"].max()
    chosen = where(table[table["network"].isin(NETWORKS)], depth=depth, step=step, layer=0)
    kept = where(chosen, quantity="joint_share").assign(value=lambda rows: rows["value"].clip(lower=0))
    log_axis(axes.xaxis)
    matched = where(kept, rate="matched")
    draw_level({axes: matched}, "promise", 1)
    for network, rows in divide(matched, "network").items():
        look = LOOKS[network]
        draw_curve(axes, rows, "promise", arm_name(network, "sgd"), look)
        promises = where(chosen, network=network, rate="best", quantity="promise")["value"]
        shares = where(kept, network=network, rate="best")["value"]
        axes.plot(promises.median(), shares.mean(), color=look["color"], marker=look["marker"], **LARGE)
    axes.set_xlabel("promised share of the loss")
    axes.set_ylabel("kept share of it")
