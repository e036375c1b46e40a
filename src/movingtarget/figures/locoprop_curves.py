"""Figure: the loss of autoencoders in the course of training, by epochs, FLOPs and seconds."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from movingtarget.drawing.autoencoders import EXCESS, best_of, entropy_of, methods_of, of_first
from movingtarget.drawing.curves import Divergence, draw_curve, log_axis, mark_diverged, missing
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_locoprop",
    tables=("locoprop", "locoprop_costs", "locoprop_floors"),
    caption="""\
What layer-wise targets gain for an epoch, and how much of it their steps cost: compare the thick lines
in (a), then in (b) and (c), where the lowest line at the vertical one wins for the price of all of SGD.
The ordinate is what the training loss has above the entropy of the images, in nats, logarithmic; the
abscissas are epochs, and the FLOPs and seconds of one network's steps, the least seconds of {{
autoencoder_times.repetitions }} measurements, both logarithmic. Thick lines are both LocoProps and the
best first-order and second-order method, with 95 % intervals over seeds as bands (number of seeds: {{
autoencoders.seeds | length }}), thin lines the means of the others; names stand at the ends, beside (c)
for all three, and a cross marks where seeds diverged. Made by training autoencoders for {{
autoencoders.horizons | max }} epochs on {{ autoencoders.training_images }} images of {{ dataset }}, each
method at its own best of {{ autoencoders.trials }} trials.
""",
)

COSTS = {
    "epoch": ("by epochs", "epochs"),
    "gigaflops": ("by FLOPs", "cost (GFLOP a network)"),
    "seconds": ("by time", "seconds (one thread)"),
}
"""Title and label of each abscissa."""

THIN: Look = {"linewidth": 0.8, "marker": ""}


@styled
def draw(locoprop: pd.DataFrame, locoprop_costs: pd.DataFrame, locoprop_floors: pd.DataFrame) -> Figure:
    """Excess of the training loss against three costs, with every method of the first architecture.

    Args:
        locoprop: table of that name.
        locoprop_costs: table of that name.
        locoprop_floors: table of that name.
    """
    rows = _with_costs(of_first(locoprop), locoprop_costs, entropy_of(locoprop_floors))
    thick = _emphasised(rows)
    figure, grid = panels([title for title, _ in COSTS.values()], 3, 8.6, sharey=True, widths=[1, 1, 1.55])
    log_axis(grid[0, 0].yaxis)
    divergences = {}
    for axes, (cost, (_, label)) in zip(grid[0], COSTS.items(), strict=True):
        if cost == "epoch":
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        else:
            log_axis(axes.xaxis)
            axes.xaxis.set(major_locator=LogLocator(numticks=5), minor_formatter=NullFormatter())
            axes.axvline(where(rows, method="sgd")[cost].max(), color=GREY, linewidth=0.5, label="_")
        axes.set_xlabel(label)
        divergences[axes] = _draw(axes, rows, cost, thick, named=cost == "seconds")
    grid[0, 0].set_ylabel(EXCESS)
    mark_diverged(divergences)
    label_lines(figure)
    return figure


def _with_costs(rows: pd.DataFrame, costs: pd.DataFrame, entropy: float) -> pd.DataFrame:
    """Looks after the start, with their excess as column value and what training has cost up to there."""
    per_step = costs.groupby("method")[["flops", "seconds"]].min()
    rows = rows[rows["epoch"] > 0]
    price = {name: rows["step"] * rows["method"].map(per_step[name]) for name in per_step}
    return rows.assign(
        value=rows["train_loss"] - entropy, gigaflops=price["flops"] / 1e9, seconds=price["seconds"]
    )


def _emphasised(rows: pd.DataFrame) -> set[str | None]:
    """Both LocoProps and the best first-order and second-order method at the end."""
    last = rows[rows["epoch"] == rows["epoch"].max()]
    means = last.groupby("method")["value"].mean(skipna=False)
    best = {best_of(means, group) for group in ("first-order", "second-order")}
    return {"locoprop-s", "locoprop-m"} | best


def _draw(axes: Axes, rows: pd.DataFrame, cost: str, thick: set[str | None], named: bool) -> list[Divergence]:
    """Every method's curve up to where a seed of it diverges, and what diverges there."""
    by_method, divergences = divide(rows.dropna(subset=cost), "method"), []
    for method in sorted(methods_of(rows), key=thick.__contains__):  # the thick ones on top
        of_method, entry = by_method.get(method), METHODS[method]
        if of_method is None:
            continue
        name = entry.title if named else ""
        if method in thick:
            draw_curve(axes, of_method, cost, name or "_", entry.look)
        else:
            means = of_method.groupby(cost)["value"].mean(skipna=False).replace(np.inf, np.nan)
            if means.notna().any():
                axes.plot(means.index, means, label=name or "_", **entry.look | THIN)
        if places := missing(axes, of_method, cost):
            lost = ~np.isfinite(of_method.loc[of_method[cost] == places[0], "value"])
            divergences.append(
                Divergence(name, entry.look, of_method["seed"].nunique(), {places[0]: int(lost.sum())})
            )
    return divergences
