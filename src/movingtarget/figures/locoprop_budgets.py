"""Figure: the loss that every method of training an autoencoder reaches with the same budget."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.autoencoders import BUDGETS, best_of, grouped, limits_of, methods_of
from movingtarget.drawing.style import LINE_HEIGHT, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.methods import METHODS
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_locoprop",
    tables=("locoprop_budgets",),
    caption="""\
What every method reaches with as many epochs, FLOPs or seconds as SGD's longest training takes: the
vertical lines stand at the best first-order (full) and the best second-order method (dotted), and a
layer-wise method closes the gap as far as it lies to the left of the first. The abscissa is the training
loss in nats; markers are means over seeds and bars their 95 % intervals (number of seeds: {{
autoencoders.seeds | length }}), cut off beyond the highest loss of a seed; a cross at the right edge
counts seeds that diverged, and "not reached" means that the budget is none that the method's trainings
cover, as a rule too short for the shortest. Made by training autoencoders on {{
autoencoders.training_images }} images of {{ dataset }} for {{ autoencoders.horizons | sort | join(", ") }}
epochs, each training with a schedule of its own, and reading losses between them on the line against log
steps.
""",
)

HEADER = "header "
"""Begins the name of a row that holds the title of a group."""

LINES = {"first-order": "-", "second-order": ":"}


@styled
def draw(locoprop_budgets: pd.DataFrame) -> Figure:
    """A row for each method, below the title of its group, and a panel for each budget.

    Args:
        locoprop_budgets: table of that name.
    """
    rows: list[str] = []
    for group, members in grouped(methods_of(locoprop_budgets)):
        rows += [HEADER + group, *members]
    height = (1.35 * len(rows) * LINE_HEIGHT + 6 * LINE_HEIGHT) / 72 * 2.54
    figure, grid = panels([*BUDGETS.values()], columns=3, row_height=height, sharex=True, sharey=True)
    for axes, budget in zip(grid[0], BUDGETS, strict=True):
        _draw_budget(axes, where(locoprop_budgets, budget=budget), rows)
        axes.xaxis.set_major_locator(MaxNLocator(4))
    grid[0, 0].set_yticks(
        range(len(rows)), [METHODS[row].title if row in METHODS else row.removeprefix(HEADER) for row in rows]
    )
    for label, row in zip(grid[0, 0].get_yticklabels(), rows, strict=True):
        if row not in METHODS:
            label.set(color=GREY, fontstyle="italic")
    grid[0, 0].set_ylim(len(rows) - 0.4, -0.6)
    grid[0, 0].set_xlim(limits_of(locoprop_budgets["train_loss"]))
    grid[0, 0].tick_params(axis="y", length=0)
    for axes in grid[0, 1:]:
        axes.tick_params(axis="y", length=0)
    figure.supxlabel("training loss (nats)")
    return figure


def _draw_budget(axes: Axes, table: pd.DataFrame, rows: list[str]) -> None:
    means = table.groupby("method")["train_loss"].mean(skipna=False)
    for group, linestyle in LINES.items():
        if best := best_of(means, group):
            colour = METHODS[best].look["color"]
            axes.axvline(means[best], color=colour, linewidth=0.6, linestyle=linestyle, label="_")
    for place, row in enumerate(rows):
        if row not in METHODS:
            axes.axhline(place - 0.5, color=GREY, linewidth=0.3, label="_")
            continue
        losses = where(table, method=row)["train_loss"]
        if losses.empty:
            text: Look = {"ha": "right", "va": "center", "color": GREY, "backgroundcolor": "white"}
            axes.text(0.98, place, "not reached", transform=axes.get_yaxis_transform(), **text)
        else:
            _draw_losses(axes, losses, place, METHODS[row].look)


def _draw_losses(axes: Axes, losses: pd.Series, height: float, look: Look) -> None:
    """Mean over seeds and its interval; a cross at the right edge, with their number, if seeds diverged."""
    if lost := int((~np.isfinite(losses)).sum()):
        edge = axes.get_yaxis_transform()
        axes.plot(0.98, height, "x", color=look["color"], transform=edge, label="_")
        text = f"{lost}/{len(losses)}"
        axes.annotate(text, (0.98, height), (-5, 0), edge, "offset points", va="center", ha="right")
        return
    mean, low, high = mean_interval(losses)
    axes.plot([low, high], [height, height], color=look["color"], linewidth=1.0, label="_")
    marker: Look = {"linestyle": "none", "markersize": 4.5, "color": look["color"], "marker": look["marker"]}
    axes.plot(mean, height, **marker, label="_")
