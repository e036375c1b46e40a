"""Figure: LocoProp's advantage by depth, and what batch norm gains for each method."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.autoencoders import limits_of, methods_of
from movingtarget.drawing.style import add_to_title, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, GREY, Look
from movingtarget.methods import METHODS
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_locoprop",
    tables=("locoprop_depths", "locoprop_batch_norm"),
    caption="""\
Whether layer-wise targets help more in deeper networks, and whether batch norm is needed beside them:
see in (a) how the advantage goes from shallow to deep, and in (b) for which methods batch norm lowers
the loss. The ordinate of (a) is what Adam's training loss has above the entropy of the images over what
LocoProp-M's has, 1 where both end alike; that of (b) the training loss without batch norm less that with
it, in nats. Large markers are means over seeds and bars their 95 % intervals (number of seeds: {{
autoencoders.seeds | length }}), cut off beyond all seeds, small ones single seeds. Made by training
autoencoders of {% for it in autoencoders.architectures %}{{ it.hidden_widths | length * 2 }} ({{ it.name
}}){{ ", " if not loop.last }}{% endfor %} layers for {{ autoencoders.horizons | max }} epochs on {{
autoencoders.training_images }} images of {{ dataset }}.
""",
)

ORDER = ("shallow", "standard", "deep")
"""Architectures from left to right; those of other names come after them."""

ALONE: Look = {"linestyle": "none", "markersize": 2, "alpha": 0.5, "markeredgewidth": 0}

DOT: Look = {"linestyle": "none", "markersize": 5.5, "markeredgewidth": 0.3, "markeredgecolor": DARK}


@styled
def draw(locoprop_depths: pd.DataFrame, locoprop_batch_norm: pd.DataFrame) -> Figure:
    """Advantage of LocoProp-M over Adam by architecture, gain by batch norm by method.

    Args:
        locoprop_depths: table of that name.
        locoprop_batch_norm: table of that name.
    """
    titles = ["Adam's excess over LocoProp-M's", "what batch norm gains"]
    figure, grid = panels(titles, columns=2, row_height=5.8)
    found = [*locoprop_depths["architecture"].unique()]
    architectures = [name for name in ORDER if name in found]
    architectures += [name for name in found if name not in ORDER]
    looks = dict.fromkeys(architectures, METHODS["locoprop-m"].look)
    names = {name: name for name in architectures}
    _draw(grid[0, 0], locoprop_depths, "architecture", looks, names, np.exp)
    grid[0, 0].set(xlabel="architecture", ylabel="ratio of excess losses")
    methods = methods_of(locoprop_batch_norm)
    names = {name: METHODS[name].title for name in methods}
    looks = {name: METHODS[name].look for name in methods}
    _draw(grid[0, 1], locoprop_batch_norm, "method", looks, names, np.positive)
    grid[0, 1].set(xlabel="method", ylabel="training loss lowered by (nats)")
    return figure


def _draw(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    looks: dict[str, Look],
    names: dict[str, str],
    shown: Callable[[Any], Any],
) -> None:
    """For each value of a column the mean, its interval and the seeds, by what is shown of them."""
    axes.axhline(shown(0.0), color=GREY, linewidth=0.6, label="_")
    for place, (name, look) in enumerate(looks.items()):
        values = where(table, **{column: name})["value"]
        if lost := int((~np.isfinite(values)).sum()):
            add_to_title(axes, f"{names[name]}: {lost}/{len(values)} diverged")
            continue
        mean, low, high = shown(mean_interval(values))
        axes.plot([place + 0.18] * len(values), shown(values), label="_", **look | ALONE)
        axes.plot([place, place], [low, high], color=look["color"], linewidth=1.0, label="_")
        axes.plot(place, mean, label=names[name], **look | DOT)
    axes.set_xticks(range(len(looks)), [*names.values()])
    axes.set_xlim(-0.6, len(looks) - 0.4)
    axes.set_ylim(limits_of(pd.Series([shown(0.0), *shown(table["value"])])))
