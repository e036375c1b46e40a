"""Figure: how many steps networks take to learn, against how shattered their gradients are at first."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from matplotlib.transforms import ScaledTranslation

from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.labels import label_lines, text_colour
from movingtarget.drawing.style import LINE_HEIGHT, LOOKS, add_to_title, arm_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import Look
from movingtarget.statistics.rows import divide

FIGURE = Drawing(
    rule="draw_shattering_in_training",
    tables=("learning_speed",),
    caption="""\
Whether shattering at initialisation foretells how fast a network learns: see whether networks whose
gradients agree more, to the right in (a), need fewer steps, or whether the norm in (b) orders them as
well. A marker is the mean over seeds of one family at the depth beside it (number of seeds: {{
depth_ladder.seeds | length }}); the correlation is dimensionless and 1 for equal gradients of different
images, and steps and norm are on logarithmic axes. Networks of which a seed never reached the threshold
stand above the panel, with the number of such seeds unless it is all; hairlines only lead to names.
Made from the first step at which the minibatch loss, averaged over {{ depth_ladder.curve_window }}
steps, is at most {{ learning_speed.threshold }} nats, each family at its own best learning rate at each
depth.
""",
)

QUANTITIES = {
    "correlation": "correlation (1 for equal gradients)",
    "gradient_norm": "gradient norm (output per unit of input)",
}
ARM = ["network", "depth", "learning_rate"]
DOTS: Look = {"linestyle": "none", "markersize": 4.5, "markeredgewidth": 0}


@styled
def draw(speed: pd.DataFrame) -> Figure:
    """Steps to the threshold against correlation and norm at initialisation: a marker for each arm.

    Args:
        speed: table learning_speed.
    """
    titles = ["correlation at initialisation", "norm at initialisation"]
    figure, grid = panels(titles, columns=1, row_height=7.0)
    for axes, (quantity, label) in zip(grid[:, 0], QUANTITIES.items(), strict=True):
        log_axis(axes.yaxis)
        if quantity == "gradient_norm":
            log_axis(axes.xaxis)
            axes.xaxis.set_major_locator(LogLocator(numticks=5))  # room for names like 1e+06
        _draw(axes, _arms(speed, quantity))
        axes.set_xlabel(label)
        axes.set_ylabel("steps (minibatches)")
    label_lines(figure)
    return figure


def _arms(speed: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """A row for each arm: means over seeds, how many seeds there are, and how many never got there."""
    speed = speed.assign(x=speed[quantity], never=~np.isfinite(speed["steps"]))
    arms = speed.groupby(ARM, sort=False)
    means = arms[["x", "steps"]].mean(skipna=False)
    return means.assign(seeds=arms.size(), never=arms["never"].sum()).reset_index().sort_values("x")


def _draw(axes: Axes, arms: pd.DataFrame) -> None:
    """Markers of the arms, those of which a seed never reached the threshold above the panel."""
    placed = np.isfinite(arms["x"]) & ((arms["x"] > 0) | (axes.get_xscale() == "linear"))
    axes.update_datalim(arms.loc[placed, ["x", "x"]].to_numpy(), updatey=False)  # of all
    for network, rows in divide(arms[placed & (arms["never"] == 0)], "network").items():
        axes.plot(rows["x"], rows["steps"], **LOOKS[network] | DOTS, label=arm_name(network, "sgd"))
        for x, steps, depth in rows[["x", "steps", "depth"]].itertuples(index=False):
            axes.annotate(
                f"{depth}", (x, steps), (0, 4), textcoords="offset points", ha="center", color=_ink(network)
            )
    never = divide(arms[placed & (arms["never"] > 0)], "network")
    for row, (network, rows) in enumerate(never.items()):
        _draw_never(axes, network, rows, (row + 0.6) * LINE_HEIGHT)
    if never:
        middle = (-4, 0.5 * (len(never) + 0.2) * LINE_HEIGHT)
        axes.annotate("never", (0, 1), middle, "axes fraction", "offset points", ha="right", va="center")
        axes.set_title(axes.get_title(loc="left"), loc="left", pad=(len(never) + 0.6) * LINE_HEIGHT)
    for arm in arms[~placed].to_dict("records"):
        what = "zero" if arm["x"] == 0 else "undefined"
        add_to_title(axes, f"{arm_name(arm['network'], 'sgd')}, depth {arm['depth']} {what}")


def _draw_never(axes: Axes, network: str, rows: pd.DataFrame, height: float) -> None:
    """A network's markers `height` points above the panel; to their right its depths and its name."""
    place = axes.get_xaxis_transform() + ScaledTranslation(0, height / 72, axes.figure.dpi_scale_trans)
    above: Look = {"label": "_", "transform": place, "clip_on": False}
    axes.plot(rows["x"], [1] * len(rows), **LOOKS[network] | DOTS | above)
    counts = rows[["depth", "never", "seeds"]].itertuples(index=False)
    depths = [f"{depth}" + (f" ({never}/{seeds})" if never < seeds else "") for depth, never, seeds in counts]
    text = f"{', '.join(depths)} {arm_name(network, 'sgd')}"
    middle: Look = {"color": _ink(network), "va": "center_baseline"}
    axes.annotate(text, (rows["x"].max(), 1), (5, 0), place, "offset points", **middle)


def _ink(network: str) -> tuple[float, ...]:
    return text_colour(LOOKS[network]["color"])
