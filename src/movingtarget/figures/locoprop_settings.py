"""Figure: the searches for settings of every method of training an autoencoder."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from movingtarget.drawing.autoencoders import EXCESS, entropy_of, methods_of, of_first
from movingtarget.drawing.curves import log_axis
from movingtarget.drawing.style import panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, GREY, Look
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_locoprop",
    tables=("locoprop_search", "locoprop_floors"),
    caption="""\
How sensitive every method is to its settings: the more of a row of the last panel is dark, the less its
search mattered, and where the ring stands at an end or says so, a wider search might have served the
method better. A dot is a trial, its colour what the training loss has above the images' entropy after {{
autoencoders.search_epochs }} epochs, in nats, logarithmic, the lightest ten times the lowest or more, a
cross one that diverged, and a ring the best of a method, which the comparison uses: of the {{
autoencoders.finalists }} lowest trials the one that ends lowest after {{ autoencoders.horizons | max }}
epochs, with the number at the right. The abscissa is the learning rate, in the last panel relative to the
best, and the ordinate of the first panels LocoProp's gamma. Every method has {{ autoencoders.trials }}
trials, at the same places of a Sobol sequence over ranges of the same widths. Made by training
autoencoders on {{ autoencoders.training_images }} images of {{ dataset }} (number of seeds, none of them
tested: {{ autoencoders.tuning_seeds | length }}).
""",
)

LOCAL = ("locoprop-s", "locoprop-m")
DOT: Look = {"s": 22, "linewidths": 0.3, "edgecolors": DARK}
RING: Look = {"marker": "o", "s": 75, "facecolors": "none", "edgecolors": DARK, "linewidths": 1.1}
COLOURS = "cividis"


@styled
def draw(locoprop_search: pd.DataFrame, locoprop_floors: pd.DataFrame) -> Figure:
    """Trials by rate and gamma for each LocoProp, and by the relative rate for every method.

    Args:
        locoprop_search: table of that name.
        locoprop_floors: table of that name.
    """
    trials = _trials(of_first(locoprop_search), entropy_of(locoprop_floors))
    norm = _norm(trials["value"])
    figure, places = _layout(trials)
    for method, axes in places.items():
        rows = where(trials, method=method)
        log_axis(axes.xaxis)
        _dots(axes, rows["learning_rate"], rows["searched_value"], rows, norm)
        log_axis(axes.yaxis)
        axes.set(xlabel="learning rate", ylabel="gamma")
        _few_ticks(axes)
    last = figure.axes[len(places)]
    _draw_all(last, trials, norm)
    colours = ScalarMappable(norm, COLOURS)
    bar = figure.colorbar(colours, ax=figure.axes, label=EXCESS, aspect=40, extend="max")
    bar.ax.yaxis.set(major_locator=LogLocator(subs=(1, 2, 3, 5)), minor_formatter=NullFormatter())
    bar.ax.yaxis.set_major_formatter("{x:g}")
    return figure


def _trials(search: pd.DataFrame, entropy: float) -> pd.DataFrame:
    """A row for each trial, with mean excesses over seeds after the short training and the full one.

    The former is infinite if a seed has diverged.
    """
    columns = ["method", "trial", "learning_rate", "searched_value", "place"]
    losses = search.assign(
        value=search["train_loss"].fillna(np.inf) - entropy, full=search["full_loss"] - entropy
    )
    return losses.groupby(columns, sort=False, dropna=False)[["value", "full"]].mean().reset_index()


def _layout(trials: pd.DataFrame) -> tuple[Figure, dict[str, Axes]]:
    """A panel for each LocoProp, side by side, and one below that is as wide as both."""
    shown = [method for method in methods_of(trials) if method in LOCAL]
    methods = len(methods_of(trials))
    titles = [METHODS[method].title for method in shown] + ["every method"]
    rows = [5.0] * bool(shown) + [2.2 + 0.5 * methods]
    figure, grid = panels(
        titles, max(len(shown), 1), sum(rows) / len(rows), heights=rows if len(rows) > 1 else None
    )
    below = grid[-1, 0]
    below.set_subplotspec(below.get_gridspec()[-1, :])
    return figure, dict(zip(shown, grid[0], strict=False))


def _norm(losses: pd.Series) -> LogNorm:
    finite = losses[np.isfinite(losses)]
    low = float(finite.min()) if len(finite) else 1.0
    high = min(float(finite.max()), 10 * low) if len(finite) else 1.0
    return LogNorm(low, high if high > low else 1.1 * low)


def _dots(axes: Axes, x: pd.Series, y: pd.Series, rows: pd.DataFrame, norm: LogNorm) -> None:
    """Trials as dots and crosses, and a ring around the best."""
    finite, best = np.isfinite(rows["value"]), rows["place"] != "tried"
    axes.scatter(x[finite], y[finite], c=rows.loc[finite, "value"], cmap=COLOURS, norm=norm, **DOT)
    axes.scatter(x[~finite], y[~finite], marker="x", s=14, linewidths=0.9, color=GREY)
    axes.scatter(x[best], y[best], **RING)


def _few_ticks(axes: Axes) -> None:
    axes.xaxis.set(major_locator=LogLocator(numticks=5), minor_formatter=NullFormatter())
    axes.yaxis.set(major_locator=LogLocator(subs=(1, 3)), minor_formatter=NullFormatter())
    axes.margins(0.08)


def _draw_all(axes: Axes, trials: pd.DataFrame, norm: LogNorm) -> None:
    """A row for each method, its rates relative to the best, and what the search has found, in words."""
    methods = methods_of(trials)
    log_axis(axes.xaxis)
    for height, method in enumerate(methods):
        rows = where(trials, method=method)
        best = rows[rows["place"] != "tried"].iloc[0]
        heights = pd.Series(float(height), index=rows.index)
        _dots(axes, rows["learning_rate"] / best["learning_rate"], heights, rows, norm)
        found = f"{best['full']:.3g}" + (", edge" if best["place"] == "best at an edge" else "")
        place = axes.get_yaxis_transform()
        axes.annotate(found, (1, height), (4, 0), place, "offset points", va="center")
    axes.axvline(1, color=GREY, linewidth=0.5, zorder=0)
    axes.annotate("best", (1, -0.9), (4, 0), axes.get_yaxis_transform(), "offset points", va="center")
    axes.set_yticks(range(len(methods)), [METHODS[method].title for method in methods])
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.set_xlabel("learning rate over the best")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter("{x:g}")
