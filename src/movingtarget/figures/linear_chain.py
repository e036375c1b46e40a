"""Figure: what moving all layers at once costs a chain of linear units (Goodfellow et al. 2016, 8.7.1)."""

from collections.abc import Iterable
from itertools import takewhile

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import extremes, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where
from movingtarget.theory.linear_chain import ORDERS, RULES, kept_equal, stability_limit, step_size
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=(
        "linear_chain",
        "chain_stability",
    ),
    caption="""\
What the other layers take from a step of gradient descent on a chain of linear units, whose output is
the product of its weights: see the share kept fall where weights exceed 1 if the step ε is fixed, but
where they lie below 1 if it is normalised as in the book, ε being δ over the squared norm of the
gradient, and the largest stable rate fall with the number of layers if all move at once, but not if a
sweep moves one after the other. The share kept is the actual decrease of the output over the decrease
promised to first order, and 1 if layers did not interfere; a line leaves through the bottom where the
step overshoots zero so far that the output grows in magnitude. The largest stable rate is that of half
the squared error of the output near weights of 1, and the last panel divides it by the number of
gradients in a sweep, 1 or one for each layer, which leaves nothing gained; all is dimensionless. Thin
lines are theory, for equal weights w, and points means over seeds with bars for their 95 % intervals
(number of seeds: {{ linear_chain.seeds | length }}), a little off the lines because weights differ.
Made with gradients by automatic differentiation at weights drawn within 10 % of w, and the rates by
bisection over runs of 200 sweeps that start from weights within 5 % of 1, scaled to an output of 1, and
a target within 1 % of it.
""",
)

STEPS = {"fixed": "fixed step, ε", "normalised": "normalised step, δ"}
"""What the rules are called, and their size."""

LOWEST = -0.05
"""The lower edge, through which lines leave; no share that theory draws is negative."""

SCALE = LinearSegmentedColormap.from_list("tol", ["#4477AA", DARK, "#CC3311"])  # Paul Tol's colours
"""Colours of weights by their logarithm: below 1, of 1 and above."""

SIDES = {-1: "v", 0: "o", 1: "^"}
"""Markers of weights below 1, of 1 and above."""


@styled
def draw(linear_chain: pd.DataFrame, chain_stability: pd.DataFrame) -> Figure:
    """Shares kept by a row of panels for each rule, a column for each size; then largest stable rates.

    Args:
        linear_chain: table linear_chain; its least and its greatest size are drawn.
        chain_stability: table chain_stability.
    """
    sizes = extremes(linear_chain["size"])
    titles = [f"{STEPS[rule]} = {size:g}" for rule in RULES for size in sizes]
    titles += ["largest stable rate", "the same for each gradient"]
    figure, grid = panels(titles, columns=len(sizes), row_height=4.6)
    chosen = [(rule, size) for rule in RULES for size in sizes]
    for axes, (rule, size) in zip(grid.flat, chosen, strict=False):
        _draw_kept(axes, where(linear_chain, rule=rule, size=size, quantity="kept"))
    for axes, per_gradient in zip(grid.flat[len(chosen) :], (False, True), strict=True):
        _draw_rates(axes, chain_stability, per_gradient)
    for axes in grid.flat:
        axes.set_xlabel("layers")
    label_lines(figure)
    return figure


def _draw_kept(axes: Axes, rows: pd.DataFrame) -> None:
    """A line of theory and the measured means for every weight."""
    depth_axis(axes, rows["layers"])
    axes.set_ylim(LOWEST, 1.05)
    axes.set_ylabel("share kept")
    layers = np.arange(rows["layers"].min(), rows["layers"].max() + 1)
    rule, size = rows[["rule", "size"]].iloc[0]
    farthest = np.log(rows["weight"]).abs().max() or 1.0
    for weight, of_weight in divide(rows, "weight").items():
        colour = to_hex(SCALE(0.5 + 0.5 * np.log(weight) / farthest))
        share = _theory(layers, weight, rule, size)[: len(layers)]
        axes.plot(layers[: len(share)], share, color=colour, linewidth=0.7, label=f"w = {weight:g}")
        _draw_means(axes, of_weight, colour, SIDES[int(np.sign(weight - 1))])


def _draw_rates(axes: Axes, rows: pd.DataFrame, per_gradient: bool) -> None:
    """Largest stable rates of both orders; per gradient, they are divided by `_gradients`."""
    depth_axis(axes, rows["layers"])
    log_axis(axes.yaxis)
    axes.set_ylabel("learning rate per\ngradient" if per_gradient else "learning rate")
    layers = np.arange(rows["layers"].min(), rows["layers"].max() + 1)
    for order in ORDERS:
        of_order = where(rows, order=order)
        colour, marker = UPDATE_ORDERS[order].look["color"], UPDATE_ORDERS[order].look["marker"]
        limit = stability_limit(layers, order) / _gradients(layers, order, per_gradient)
        axes.plot(layers, limit, color=colour, linewidth=0.7, label=UPDATE_ORDERS[order].title)
        value = of_order["value"] / _gradients(of_order["layers"], order, per_gradient)
        _draw_means(axes, of_order.assign(value=value), colour, marker)


def _theory(layers: Iterable[int], weight: float, rule: str, size: float) -> list[float]:
    """What chains of equal weights keep; the first whose output grows in magnitude ends the line, below 0."""
    lost = ((count, _lost(count, weight, rule, size)) for count in layers)
    tame = takewhile(lambda chain: chain[1] <= 2, lost)
    return [*(float(kept_equal(count, share)) for count, share in tame), LOWEST]


def _lost(layers: int, weight: float, rule: str, size: float) -> float:
    """The share of itself that every weight loses, eps y / w^2: above 2, the output grows in magnitude."""
    return float(step_size(np.full(layers, weight), rule, size) * weight ** (layers - 2))


def _gradients(layers: ArrayLike, order: str, per_gradient: bool) -> NDArray[np.float64]:
    """How many gradients a sweep evaluates: 1, or one for each layer if forward; 1 unless asked for."""
    counts = np.asarray(layers, dtype=float)
    return counts if per_gradient and order == "forward" else np.ones_like(counts)


def _draw_means(axes: Axes, rows: pd.DataFrame, colour: str, marker: str) -> None:
    """Means over seeds and their 95 % intervals, against layers."""
    intervals = {count: mean_interval(of_count["value"]) for count, of_count in rows.groupby("layers")}
    places = np.array([*intervals], dtype=float)
    mean, low, high = np.transpose([*intervals.values()])
    axes.vlines(places, low, high, color=colour, linewidth=1)
    axes.plot(places, mean, marker, color=colour, markeredgewidth=0, markersize=4, label="_")
