"""Figure: how far one step moves each layer, and where ten steps on one minibatch lead."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from movingtarget.figures.curves import Divergence, draw_curve, log_axis, mark_diverged
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import divide, where
from movingtarget.figures.style import DARK, LOOKS, Look, arm_name, panels, shades, styled

NETWORKS = 3
"""As many as a row of panels has room for, the example first."""

OPTIMISERS = {"sgd": "SGD", "adam": "Adam"}

OFF_SCALE = 100.0
"""Loss in nats above which a seed counts as diverged: forty times that of guessing among ten classes."""


@styled
def draw(one_step: pd.DataFrame) -> Figure:
    """Movement of each layer by rate, loss by step: a column for each network, at its least depth.

    Args:
        one_step: table one_step.
    """
    columns = [where(rows, depth=rows["depth"].min()) for rows in divide(one_step, "network").values()]
    columns = columns[:NETWORKS]
    titles = [f"{_name(rows)}, {optimiser}" for optimiser in OPTIMISERS.values() for rows in columns] * 2
    figure, grid = panels(titles, len(columns), row_height=4.6, sharey="row")
    for row, optimiser in zip(grid[:2], OPTIMISERS, strict=True):
        _draw_movements(row, [where(rows, optimiser=optimiser) for rows in columns])
    _share_scale(grid[:2])
    for row, optimiser in zip(grid[2:], OPTIMISERS, strict=True):
        _draw_losses(row, [where(rows, optimiser=optimiser) for rows in columns])
    label_lines(figure)
    return figure


def _name(rows: pd.DataFrame) -> str:
    network, depth = rows["network"].iloc[0], rows["depth"].iloc[0]
    return network if network == "example" else f"{arm_name(network, 'sgd')}, depth {depth}"


def _shades(rows: pd.DataFrame, count: int) -> list[Look]:
    """Looks of lines in shades of the network's colour, from light to dark."""
    colour = LOOKS.get(rows["network"].iloc[0], {"color": DARK})["color"]
    return [{"color": shade, "marker": "o", "markersize": 2.2} for shade in shades(colour, count)]


def _draw_movements(row: NDArray[np.object_], columns: list[pd.DataFrame]) -> None:
    """A line for each layer, light at the bottom; the first, the last hidden and the output layer are named."""
    for axes, rows in zip(row, columns, strict=True):
        log_axis(axes.xaxis)
        log_axis(axes.yaxis)
        movements = divide(where(rows, quantity="movement"), "layer")
        last = max(movements)
        names = {1: "layer 1", last - 1: f"layer {last - 1}", last: "output"}
        for (layer, of_layer), look in zip(movements.items(), _shades(rows, last), strict=True):
            draw_curve(axes, of_layer, "learning_rate", names.get(layer, "_"), look)
        rates = [rows["learning_rate"].min(), rows["learning_rate"].max()]
        axes.plot(rates, [1, 1], color=DARK, linewidth=0.7, label="_")
        axes.set_xlabel("learning rate")
    row[0].set_ylabel("movement of a layer\n(1 is its own size)")


def _share_scale(grid: NDArray[np.object_]) -> None:
    """One ordinate for all rows, that the optimisers can be compared."""
    limits = [axes.get_ylim() for axes in grid[:, 0]]
    for axes in grid[:, 0]:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def _draw_losses(row: NDArray[np.object_], columns: list[pd.DataFrame]) -> None:
    """A line for every other rate from the largest, dark, down; where one leaves the scale it has a gap."""
    divergences = {}
    for axes, rows in zip(row, columns, strict=True):
        log_axis(axes.yaxis)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        divergences[axes] = _draw_rates(axes, rows)
        axes.set_xlabel("step")
    mark_diverged(divergences)
    row[0].set_ylabel("loss (nats)")


def _draw_rates(axes: Axes, rows: pd.DataFrame) -> list[Divergence]:
    rates = sorted(rows["learning_rate"].unique())[::-2][::-1]
    divergences = []
    for rate, look in zip(rates, _shades(rows, len(rates)), strict=True):
        losses = where(rows, quantity="loss", learning_rate=rate)
        seen = losses.assign(value=losses["value"].where(losses["value"] <= OFF_SCALE))
        draw_curve(axes, seen, "step", f"{rate:g}", look)
        lost = seen[seen["value"].isna()]
        if not lost.empty:
            counts = {lost["step"].min(): lost["seed"].nunique()}
            divergences.append(Divergence(f"{rate:g}", look, seen["seed"].nunique(), counts))
    return divergences
