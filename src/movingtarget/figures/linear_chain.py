"""Figure: what moving all layers at once costs a chain of linear units (Goodfellow et al. 2016, 8.7.1)."""

from collections.abc import Iterable
from itertools import takewhile

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from movingtarget.drawing.curves import log_ordinate
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where
from movingtarget.theory.linear_chain import ORDERS, kept_equal, stability_limit, step_size
from movingtarget.update_orders import UPDATE_ORDERS

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=(
        "linear_chain",
        "chain_stability",
    ),
    caption="""\
On a chain of linear units, the others' movement takes the promise from large weights at a fixed step (a),
from small ones at the book's (b), and stability from long chains if all move at once (c). The share kept is
the actual decrease of the output, the product of the weights w, over the promised one, 1 if layers did not
interfere; a line leaves through the bottom where the step overshoots zero. Thin lines are theory, for equal
weights, and points means over seeds with bars for their 95 % intervals (number of seeds:
{{ linear_chain.seeds | length }}). Made with gradients by automatic differentiation at weights drawn within
10 % of w, and the rates by bisection over runs of 200 sweeps from weights within 5 % of 1.
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
    """Shares kept by a panel for each rule, then largest stable rates.

    Args:
        linear_chain: table linear_chain; its greatest size is drawn.
        chain_stability: table chain_stability.
    """
    size = linear_chain["size"].max()
    titles = [*(f"{name} = {size:g}" for name in STEPS.values()), "largest stable rate"]
    figure, (row,) = panels(titles, columns=len(titles), row_height=6.0, widths=[1, 1, 1.25])
    for axes, rule in zip(row, STEPS, strict=False):
        _draw_kept(axes, where(linear_chain, rule=rule, size=size, quantity="kept"))
    _draw_rates(row[-1], chain_stability)
    for axes in row:
        axes.set_xlabel("layers")
    label_lines(figure)
    return figure


def _draw_kept(axes: Axes, rows: pd.DataFrame) -> None:
    """A line of theory and the measured means for every weight."""
    depth_axis(axes, rows["layers"], ticks=3)
    axes.set_ylim(LOWEST, 1.15)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("share kept")
    layers = np.arange(rows["layers"].min(), rows["layers"].max() + 1)
    rule, size = rows[["rule", "size"]].iloc[0]
    farthest = np.log(rows["weight"]).abs().max() or 1.0
    for weight, of_weight in divide(rows, "weight").items():
        colour = to_hex(SCALE(0.5 + 0.5 * np.log(weight) / farthest))
        share = _theory(layers, weight, rule, size)[: len(layers)]
        axes.plot(layers[: len(share)], share, color=colour, linewidth=0.7, label=f"w = {weight:g}")
        _draw_means(axes, of_weight, colour, SIDES[int(np.sign(weight - 1))])


def _draw_rates(axes: Axes, rows: pd.DataFrame) -> None:
    """Largest stable rates of both orders, and theory's."""
    depth_axis(axes, rows["layers"], ticks=3)
    log_ordinate(axes)
    axes.set_ylabel("learning rate")
    layers = np.arange(rows["layers"].min(), rows["layers"].max() + 1)
    for order in ORDERS:
        entry = UPDATE_ORDERS[order]
        limit = stability_limit(layers, order)
        axes.plot(layers, limit, color=entry.look["color"], linewidth=0.7, label=entry.title)
        _draw_means(axes, where(rows, order=order), entry.look["color"], entry.look["marker"])


def _theory(layers: Iterable[int], weight: float, rule: str, size: float) -> list[float]:
    """What chains of equal weights keep; the first whose output grows in magnitude ends the line, below 0."""
    lost = ((count, _lost(count, weight, rule, size)) for count in layers)
    tame = takewhile(lambda chain: chain[1] <= 2, lost)
    return [*(float(kept_equal(count, share)) for count, share in tame), LOWEST]


def _lost(layers: int, weight: float, rule: str, size: float) -> float:
    """The share of itself that every weight loses, eps y / w^2: above 2, the output grows in magnitude."""
    return float(step_size(np.full(layers, weight), rule, size) * weight ** (layers - 2))


def _draw_means(axes: Axes, rows: pd.DataFrame, colour: str, marker: str) -> None:
    """Means over seeds and their 95 % intervals, against layers."""
    intervals = {count: mean_interval(of_count["value"]) for count, of_count in rows.groupby("layers")}
    places = np.array([*intervals], dtype=float)
    mean, low, high = np.transpose([*intervals.values()])
    axes.vlines(places, low, high, color=colour, linewidth=1)
    axes.plot(places, mean, marker, color=colour, markeredgewidth=0, markersize=4, label="_")
