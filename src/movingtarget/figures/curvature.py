"""Figure: near a minimum, how much larger a rate layers bear that move one after the other, beside rho."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import log_axis, log_ordinate, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import draw_families
from movingtarget.drawing.style import LOOKS, add_to_title, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_block_curvature",
    tables=("block_curvature",),
    caption="""\
Near a minimum, how much larger a rate is borne by layers that move one after the other: above the diagonal
by more than the ratio of curvatures, on a quadratic (a) and on the loss itself (b). This ratio is of the
largest eigenvalue of the Hessian to that of its sharpest diagonal block, one for each layer; it lies
between 1 and the number of layers (c), and means nothing where the lowest eigenvalue is far below 0 (d), as
at initialisation (dotted). Markers in (a) and (b) are seeds, the larger the deeper, in the colours of (c);
lines are means over seeds and bands their 95 % intervals (number of seeds:
{{ block_curvature.seeds | length }}). Made from whole Hessians of networks of
{{ block_curvature.hidden_width }} {{ block_curvature.activation }} units a layer, after
{{ block_curvature.steps }} steps on a full batch of {{ block_curvature.examples }} images of {{ dataset }},
averaged to {{ block_curvature.pooled_side }} by {{ block_curvature.pooled_side }} pixels.
""",
)

RATIO = r"ratio of curvatures, $\rho$"
GAINS = {
    "exact_gain": "gain in rate\n(exact, quadratic)",
    "gain": "gain in rate\n(measured)",
}
BOUND: Look = {"color": DARK, "linewidth": 0.7}
SMALLEST, LARGEST = 2.5, 5.5
"""Sizes of the markers of the least and the greatest depth."""


@styled
def draw(block_curvature: pd.DataFrame) -> Figure:
    """Both gains against rho, rho against depth, and the lowest eigenvalue against depth.

    Args:
        block_curvature: table block_curvature.
    """
    titles = ["the quadratic", "the loss itself", "ratio of curvatures", "lowest eigenvalue"]
    figure, grid = panels(titles, columns=2, row_height=4.8)
    reached = where(block_curvature, stage="minimum")
    for axes, (quantity, name) in zip(grid[0], GAINS.items(), strict=True):
        _draw_gains(axes, reached, quantity)
        axes.set_ylabel(name)
    _draw_ratios(grid[1, 0], where(reached, quantity="ratio"))
    _draw_lowest(grid[1, 1], where(block_curvature, quantity="lowest"))
    label_lines(figure)
    return figure


def _draw_gains(axes: Axes, reached: pd.DataFrame, quantity: str) -> None:
    """A marker for each seed of each family and depth, and the diagonal."""
    log_axis(axes.xaxis)
    log_ordinate(axes)
    depths = sorted(reached["depth"].unique())
    sizes = dict(zip(depths, np.linspace(SMALLEST, LARGEST, len(depths)), strict=True))
    for (network, depth), rows in divide(reached, "network", "depth").items():
        values = rows.pivot(index="seed", columns="quantity", values="value")[["ratio", quantity]]
        if undefined := values.isna().any(axis=1).sum():
            share = f"({undefined}/{len(values)} seeds)"
            add_to_title(axes, f"{arm_name(network, 'sgd')}, {depth} layers undefined {share}")
        size = {"markersize": sizes[depth], "alpha": 0.6, "markeredgewidth": 0, "linestyle": "none"}
        if len(defined := values.dropna()):
            axes.plot(*defined.to_numpy().T, label="_", **LOOKS[network] | size)
    if axes.lines:
        ends = axes.dataLim.intervalx
        axes.plot(ends, ends, label="equal", **BOUND)
    axes.set_xlabel(RATIO)


def _draw_ratios(axes: Axes, ratios: pd.DataFrame) -> None:
    """Families against depth between the bounds, 1 and the number of layers."""
    depth_axis(axes, ratios["depth"])
    log_ordinate(axes)
    depths = np.array(sorted(ratios["depth"].unique()))
    for bound, name in ((depths + 1, "number of layers"), (depths**0, "1")):
        axes.plot(depths, bound, label=name, **BOUND)
    draw_families({axes: ratios}, "depth")
    _name_undefined(axes, ratios)
    axes.set_xlabel("hidden layers")
    axes.set_ylabel(RATIO)


def _draw_lowest(axes: Axes, lowest: pd.DataFrame) -> None:
    """Families against depth, at initialisation dotted."""
    depth_axis(axes, lowest["depth"])
    axes.plot([lowest["depth"].min(), lowest["depth"].max()], [0, 0], label="_", **BOUND)
    reached = where(lowest, stage="minimum")
    draw_families({axes: reached}, "depth")
    _name_undefined(axes, reached)
    for network, family in divide(where(lowest, stage="initialisation"), "network").items():
        means = family.groupby("depth")["value"].mean()
        axes.plot(means.index, means, label="_", color=LOOKS[network]["color"], linestyle=":")
    axes.set_xlabel("hidden layers")
    axes.set_ylabel("lowest eigenvalue\nover the largest")


def _name_undefined(axes: Axes, rows: pd.DataFrame) -> None:
    for network, family in divide(rows, "network").items():
        name_missing(axes, family, "depth", arm_name(network, "sgd"))
