"""Figure: how much sharper the loss is in all layers together than in one, and which rates that allows."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.curves import log_axis, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines, text_colour
from movingtarget.drawing.moving_target import draw_families, log_ordinate
from movingtarget.drawing.style import LOOKS, add_to_title, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, Look
from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
How much sharper the loss is for all layers together than for the sharpest of them, and whether this
tells what moving one layer at a time can buy: see in (a) how far each family stays below the number of
layers, and in (b) how markers lie about the diagonal. Near a minimum the ratio of curvatures, from 1
for layers that do not interfere to the number of layers, is how many times larger a stable rate can be
if layers move one after the other, each with a gradient of its own; (b) has the largest rates at which
a step lowers the loss instead, a sweep over the layers against a step of all, where the loss need not
be quadratic, and each seed's ratio of rates is held at 100. Lines and markers, in (b) with the depth
beside them and colours as in (a), are means over seeds, bands and thin lines their 95 % intervals
(number of seeds: {{ moving_target.seeds | length }}); all is dimensionless, what is undefined, as where
no rate lowers the loss, is named above its panel, and hairlines only lead to names. Made from the
largest eigenvalues of the Hessian and of its diagonal blocks, one for each layer, by Lanczos on {{
moving_target.curvature.examples }} images of {{ dataset }}, at the first of the steps measured.
""",
)

RATIOS = ["curvature_ratio", "bought"]

GREATEST = 100.0
"""At which ratios of rates are held: where a single step hardly lowers the loss, they reach millions."""

BOUND: Look = {"color": DARK, "linewidth": 0.7}
DOT: Look = {"markersize": 5, "markeredgewidth": 0, "label": "_"}
INTERVAL: Look = {"linewidth": 0.6, "alpha": 0.5, "label": "_"}


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """The ratio of curvatures against depth, and the ratio of the largest rates against it.

    Args:
        moving_target: table moving_target.
    """
    measured = moving_target[moving_target["quantity"].isin(RATIOS)]
    measured = where(measured, step=measured["step"].min())
    layers = moving_target.groupby("depth")["layer"].max()
    figure, grid = panels(["ratio of curvatures", "ratio of largest rates"], columns=1, row_height=7)
    _draw_ratios(grid[0, 0], where(measured, quantity="curvature_ratio"), layers)
    _draw_rates(grid[1, 0], measured)
    label_lines(figure)
    return figure


def _draw_ratios(axes: Axes, ratios: pd.DataFrame, layers: "pd.Series[int]") -> None:
    """Families against depth between the bounds, 1 and the number of layers."""
    depth_axis(axes, ratios["depth"])
    log_ordinate(axes)
    for bound, name in ((layers, "number of layers"), (layers**0, "1")):
        axes.plot(bound.index, bound, label=name, **BOUND)
    draw_families({axes: ratios}, "depth")
    for network, rows in divide(ratios, "network").items():
        name_missing(axes, rows, "depth", arm_name(network, "sgd"))
    axes.set_xlabel("depth (hidden layers)")
    axes.set_ylabel("curvature of all layers\nover that of the sharpest")


def _draw_rates(axes: Axes, measured: pd.DataFrame) -> None:
    """A marker for each family and depth where both ratios are defined, and the diagonal."""
    log_axis(axes.xaxis)
    log_ordinate(axes)
    points = {}
    for (network, depth), rows in divide(measured, "network", "depth").items():
        values = rows.pivot(index="seed", columns="quantity", values="value").clip(upper=GREATEST)
        if undefined := values.isna().any(axis=1).sum():
            share = f"({undefined}/{len(values)} seeds)"
            add_to_title(axes, f"{arm_name(network, 'sgd')}, depth {depth} undefined {share}")
        else:
            points[network, depth] = [mean_interval(values[ratio]) for ratio in RATIOS]
    upwards = sorted(points.items(), key=lambda point: point[1][1])
    for place, ((network, depth), point) in enumerate(upwards):
        _draw_point(axes, network, *point)
        ha, gap = ("left", 4) if place % 2 else ("right", -4)  # neighbours' depths on different sides
        mean, ink = (point[0].estimate, point[1].estimate), text_colour(LOOKS[network]["color"])
        axes.annotate(f"{depth}", mean, (gap, 2), textcoords="offset points", color=ink, ha=ha)
    if points:
        ends = axes.dataLim.intervalx
        axes.plot(ends, ends, label="equal", **BOUND)
    axes.set_xlabel("ratio of curvatures")
    axes.set_ylabel("largest rate layer by layer\nover that of all at once")


def _draw_point(axes: Axes, network: str, x: Interval, y: Interval) -> None:
    """A marker at the means over seeds, and thin lines for the intervals if there are several seeds."""
    colour = LOOKS[network]["color"]
    if not np.isnan([x.low, y.low]).any():
        axes.plot([x.low, x.high], [y.estimate] * 2, color=colour, **INTERVAL)
        axes.plot([x.estimate] * 2, [y.low, y.high], color=colour, **INTERVAL)
    axes.plot(x.estimate, y.estimate, **LOOKS[network] | DOT)
