"""Figure: how many local steps LocoProp's layers should take for a minibatch."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from movingtarget.drawing.autoencoders import methods_of
from movingtarget.drawing.curves import draw_curve, log_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_locoprop",
    tables=("local_iterations", "local_iterations_search"),
    caption="""\
How many steps a layer should take towards one cached target: see in (a) where the loss stops to fall,
and on the upper axis what a minibatch then costs. The ordinate is the training loss in nats after {{
autoencoders.search_epochs }} epochs; the line is the mean over seeds, its band the 95 % interval (number
of seeds: {{ autoencoders.seeds | length }}), and the upper axis holds the matrix products of T local
steps of LocoProp-M over those of backpropagation, (2 T + 1) / 3. The other panel has the search for the
rate of each number, on seeds that are not tested (their number: {{ autoencoders.tuning_seeds | length
}}), the best ringed; crosses at its top mark rates that diverged. Made by training the first autoencoder
anew for each of T = {{ local_iterations.iterations | join(", ") }}, gamma as chosen for {{
autoencoders.iterations }}.
""",
)

RING: Look = {"marker": "o", "markersize": 7, "markerfacecolor": "none", "markeredgecolor": DARK}


@styled
def draw(local_iterations: pd.DataFrame, local_iterations_search: pd.DataFrame) -> Figure:
    """Loss against the number of local steps, and against the learning rate for each number.

    Args:
        local_iterations: table of that name.
        local_iterations_search: table of that name.
    """
    methods = methods_of(local_iterations)
    titles = ["as many minibatches", *(f"{METHODS[method].title}, rates" for method in methods)]
    figure, grid = panels(titles, len(titles), 6.4, sharey=False)
    _draw_ends(grid[0, 0], local_iterations, methods)
    for axes, method in zip(grid[0, 1:], methods, strict=True):
        _draw_search(axes, where(local_iterations_search, method=method), method)
    if "locoprop-m" in methods:
        _cost_axis(grid[0, 0])
    label_lines(figure)
    return figure


def _draw_ends(axes: Axes, table: pd.DataFrame, methods: list[str]) -> None:
    log_axis(axes.xaxis)
    for method in methods:
        rows = where(table, method=method).rename(columns={"train_loss": "value"})
        name = METHODS[method].title if len(methods) > 1 else ""
        draw_curve(axes, rows, "iterations", name or "_", METHODS[method].look)
    axes.set_xticks(sorted(table["iterations"].unique()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set(xlabel="local steps for a minibatch", ylabel="training loss (nats)")


def _cost_axis(axes: Axes) -> None:
    """The cost of a minibatch, at the ticks of the axis below."""
    above = axes.secondary_xaxis("top")
    steps = axes.get_xticks()
    above.set_xticks(steps, [f"{(2 * count + 1) / 3:.2g}" for count in steps])
    above.xaxis.set_minor_locator(NullLocator())
    above.set_xlabel("matrix products, in steps of backpropagation")
    above.spines.top.set_visible(True)


def _draw_search(axes: Axes, search: pd.DataFrame, method: str) -> None:
    """A line for each number of steps, its best rate ringed, and crosses at the top for what diverged."""
    log_axis(axes.xaxis)
    axes.xaxis.set(major_locator=LogLocator(numticks=5), minor_formatter=NullFormatter())
    numbers = divide(search.rename(columns={"train_loss": "value"}), "iterations")
    colours = shades(METHODS[method].look["color"], len(numbers))
    for (count, rows), colour in zip(sorted(numbers.items()), colours, strict=True):
        look: Look = {"color": colour, "marker": "o", "linestyle": "-"}
        finite = rows[np.isfinite(rows["value"])]
        draw_curve(axes, finite, "learning_rate", f"T = {count}", look)
        best = rows[rows["place"] != "tried"]
        axes.plot(best["learning_rate"].iloc[0], best["value"].mean(), label="_", linestyle="none", **RING)
        lost = rows["learning_rate"][~rows.index.isin(finite.index)].unique()
        cross: Look = {"marker": "x", "linestyle": "none", "transform": axes.get_xaxis_transform()}
        axes.plot(lost, [0.98] * len(lost), label="_", color=colour, **cross)
    axes.set_xlabel("learning rate")
