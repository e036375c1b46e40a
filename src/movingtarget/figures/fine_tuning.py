"""Figure: fine-tuning on few examples with rates that differ by layer, beside training from scratch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import draw_curve, log_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.rows import draw_mean
from movingtarget.drawing.style import arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, GREY, Look
from movingtarget.statistics.rows import divide, where
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_remedies",
    tables=("fine_tuning",),
    caption="""\
Whether smaller rates for early layers help in fine-tuning a trained network: compare the rows above with that
of equal rates. Filled markers are networks trained before on other classes, hollow ones the same weights from
scratch; below, each layer's share of the distance that all have come together tells what the rates leave
standing. Rates fall by {{ fine_tuning.factor }} from layer to layer towards the input (smaller early) or the
output (smaller late), or by {{ fine_tuning.slight_factor }} (slightly); markers and lines are means over
seeds, bars and bands their 95 % intervals (number of seeds: {{ fine_tuning.seeds | length }}), and a cross
counts seeds that diverged. Made with networks of {{ fine_tuning.depth }} hidden layers, trained on the
classes {{ fine_tuning.pretraining_classes | join(", ") }} of {{ dataset }}, then for {{ fine_tuning.steps }}
steps on {{ fine_tuning.examples }} examples of each other class, at the rate that is best on held-out images
with other seeds.
""",
)

RATES: dict[str, tuple[str, Look]] = {
    "smaller-early": ("smaller early", UPDATE_ORDERS["smaller-early"].look),
    "slightly-smaller-early": (
        "slightly",
        {"color": "#44AA99", "marker": "*", "linestyle": (0, (1, 1))},
    ),
    "equal": ("equal", UPDATE_ORDERS["simultaneous"].look),
    "smaller-late": ("smaller late", UPDATE_ORDERS["smaller-late"].look),
    "last-layer": ("last layer", {"color": GREY, "marker": "d"}),
}
"""Name and look of each way to set the layers' rates."""

STARTS: dict[str, Look] = {
    "pretrained": {"markerfacecolor": DARK},
    "scratch": {"markerfacecolor": "white"},
}

APART = 0.36
"""Between the markers of a row, in rows."""


@styled
def draw(fine_tuning: pd.DataFrame) -> Figure:
    """Test accuracy above, movement of each layer below: a column for each family.

    Args:
        fine_tuning: table fine_tuning.
    """
    networks = divide(fine_tuning, "network")
    names = [arm_name(network, "sgd") for network in networks]
    figure, grid = panels(
        names * 2, columns=len(names), row_height=4.2, sharey="row", widths=[1.0] * (len(names) - 1) + [1.5]
    )
    for column, rows in enumerate(networks.values()):
        _draw_accuracies(grid[0, column], where(rows, quantity="test_accuracy"))
        moved = where(rows, quantity="movement_share", start="pretrained")
        _draw_movements(grid[1, column], moved, named=column == len(networks) - 1)
    grid[0, 0].set_yticks(range(len(RATES)), [name for name, _ in RATES.values()])
    grid[0, 0].set_ylim(len(RATES) - 0.4, -0.6)
    grid[1, 0].set_ylabel("share of the movement")
    keys = [
        Line2D([], [], linestyle="none", marker="o", color=DARK, label=name, **STARTS[name])
        for name in STARTS
    ]
    figure.legend(handles=keys, loc="outside upper right", ncols=len(keys), frameon=False)
    label_lines(figure)
    return figure


def _draw_accuracies(axes: Axes, rows: pd.DataFrame) -> None:
    """Two markers in the row of each way to set the rates."""
    for place, (rates, (_, look)) in enumerate(RATES.items()):
        for shift, (start, fill) in enumerate(STARTS.items()):
            height = place + APART * (shift - 0.5)
            values = where(rows, rates=rates, start=start)["value"]
            own = {"markerfacecolor": look["color"]} if start == "pretrained" else fill
            draw_mean(axes, values, height, {"color": look["color"], "marker": look["marker"], **own})
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("test accuracy")


def _draw_movements(axes: Axes, rows: pd.DataFrame, named: bool) -> None:
    """A line for each way to set the rates that moves more than the last layer."""
    log_axis(axes.yaxis)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for rates, of_rates in divide(rows, "rates").items():
        if rates != "last-layer":
            name, look = RATES[rates]
            draw_curve(axes, of_rates, "layer", name if named else "_", look)
    axes.set_xlabel("layer")
