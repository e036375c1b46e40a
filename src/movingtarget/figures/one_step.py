"""Figure: how far one step moves each layer, and where ten steps on one minibatch lead."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, arm_name, panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("one_step",),
    caption="""\
All layers move at once: see how far, layer by layer, and from which learning rate on ten steps raise the loss
(e, f). The movement is the norm of a layer's first step over that of all its parameters, so at the thin dark
line a layer moves as far as it is from zero. Lines are the darker, the higher the layer or the rate, means
over seeds with bands for their 95 % intervals (number of seeds: {{ one_step.seeds | length }}); where the
loss of a seed exceeds 100 nats or is not finite a line has a gap, and a cross above the panel counts such
seeds. Made with {{ one_step.steps }} steps of gradient descent (SGD) or Adam on one minibatch, of the example
(five normal inputs, ten rectifiers and a sigmoid, 32 inputs labelled by the sign of their sum) and of
networks of the least depth, {{ one_step.hidden_width }} units wide ({{ one_step.batch_size }} training images
of {{ dataset }}).
""",
)

NETWORKS = 3
"""The example, first, and two families."""

RATES = 4
"""As many learning rates as a panel of losses has room for."""

OPTIMISERS = {"sgd": "SGD", "adam": "Adam"}

OFF_SCALE = 100.0
"""Loss in nats above which a seed counts as diverged: forty times that of a guess among ten classes."""


@styled
def draw(one_step: pd.DataFrame) -> Figure:
    """Movement of each layer by rate in the first two networks, then loss by step in the last two of three.

    Args:
        one_step: table one_step; of each network, its least depth is drawn.
    """
    networks = [where(rows, depth=rows["depth"].min()) for rows in divide(one_step, "network").values()]
    networks = networks[:NETWORKS]
    moved, trained = networks[:2], networks[-2:]
    titles = [f"{_name(rows)}, {optimiser}" for rows in moved for optimiser in OPTIMISERS.values()]
    titles += [f"{_name(rows)}, {OPTIMISERS['sgd']}" for rows in trained]
    figure, grid = panels(titles, columns=2, row_height=3.6, sharey="row")
    movements, losses = grid[:-1], grid[-1, : len(trained)]
    for row, rows in zip(movements, moved, strict=True):
        for axes, optimiser in zip(row, OPTIMISERS, strict=True):
            _draw_movements(axes, where(rows, optimiser=optimiser, quantity="movement"))
            axes.set_xlabel("learning rate")
        row[0].set_ylabel("movement\n(layer's norm)")
    _share_scale(movements[:, 0])
    of_sgd = [where(rows, optimiser="sgd", quantity="loss") for rows in trained]
    mark_diverged({axes: _draw_losses(axes, rows) for axes, rows in zip(losses, of_sgd, strict=True)})
    for axes in losses:
        axes.set_xlabel("step")
    losses[0].set_ylabel("loss (nats)")
    label_lines(figure)
    return figure


def _name(rows: pd.DataFrame) -> str:
    network, depth = rows["network"].iloc[0], rows["depth"].iloc[0]
    return "example" if network == "example" else f"{arm_name(network, 'sgd')}, {depth} layers"


def _looks(rows: pd.DataFrame, count: int) -> list[Look]:
    """Looks in shades of the network's colour, from light to dark."""
    colour = LOOKS.get(rows["network"].iloc[0], {"color": DARK})["color"]
    return [{"color": shade, "marker": "o", "markersize": 2.2} for shade in shades(colour, count)]


def _share_scale(rows: NDArray[Any]) -> None:
    """One ordinate for rows of panels, of each of which the first is given."""
    low, high = zip(*(axes.get_ylim() for axes in rows), strict=True)
    for axes in rows:
        axes.set_ylim(min(low), max(high))


def _draw_movements(axes: Axes, rows: pd.DataFrame) -> None:
    """A line for each layer, the lower the lighter; first, last hidden and output layer are named."""
    log_axis(axes.xaxis)
    log_axis(axes.yaxis)
    last = rows["layer"].max()
    names = {1: "layer 1", last - 1: f"layer {last - 1}", last: "output layer"}
    for (layer, of_layer), look in zip(divide(rows, "layer").items(), _looks(rows, last), strict=True):
        draw_curve(axes, of_layer, "learning_rate", names.get(layer, "_"), look)
    rates = [rows["learning_rate"].min(), rows["learning_rate"].max()]
    axes.plot(rates, [1, 1], color=DARK, linewidth=0.7, label="_")


def _draw_losses(axes: Axes, rows: pd.DataFrame) -> list[Divergence]:
    """A line for some rates, the largest, dark, among them, with a gap where a seed is off the scale."""
    log_axis(axes.yaxis)
    axes.yaxis.set_minor_formatter(NullFormatter())  # rows are too low for more than powers of ten
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    rates = sorted(rows["learning_rate"].unique(), reverse=True)
    rates = rates[:: -(-len(rates) // RATES)]
    divergences = []
    for rate, look in zip(reversed(rates), _looks(rows, len(rates)), strict=True):
        of_rate = where(rows, learning_rate=rate)
        seen = of_rate.assign(value=of_rate["value"].where(of_rate["value"] <= OFF_SCALE))
        draw_curve(axes, seen, "step", f"rate {rate:g}", look)
        lost = seen[seen["value"].isna()]
        if not lost.empty:
            counts = {lost["step"].min(): lost["seed"].nunique()}
            divergences.append(Divergence(f"rate {rate:g}", look, seen["seed"].nunique(), counts))
    return divergences
