"""Figure: LocoProp-M as released, beside what rivals' authors print of their own runs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.autoencoders import EXCESS
from movingtarget.drawing.curves import draw_curve, log_axis
from movingtarget.drawing.labels import label_lines, text_colour
from movingtarget.drawing.style import panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import GREY, Look
from movingtarget.methods import METHODS
from movingtarget.theory.published_losses import ENTROPY, PUBLISHED, Published

FIGURE = Drawing(
    rule="draw_locoprop",
    tables=("locoprop_released",),
    caption="""\
What LocoProp-M reaches on the benchmark itself, MNIST and the whole autoencoder, beside runs that
rivals' authors have published: compare with care, for these are single runs of networks of rectifiers in
place of tanh, of other schedules, and the two of K-FAC differ more, after 50 epochs, than some methods
do. The ordinate is what the training loss has above the images' entropy of 45.76 nats, the abscissa
epochs, both logarithmic; small markers are what was printed, joined by straight lines. Made by
LocoProp-M with the authors' settings, a single seed, for the first epochs of their schedule of 99, the
rate still near its highest at the last; it is shown from epoch 2 on, since nothing moves in the first.
""",
)

OTHERS: dict[str, Look] = {
    "tnt": {"color": "#44AA99", "marker": "P", "linestyle": "-"},
    "k-bfgs": {"color": "#117733", "marker": "h", "linestyle": "-"},
}
"""Looks of methods that are not among ours."""

THIN: Look = {"linewidth": 0.7, "markersize": 4, "markeredgewidth": 0}


@styled
def draw(locoprop_released: pd.DataFrame) -> Figure:
    """Excess of the training loss against epochs: our run, and every published one.

    Args:
        locoprop_released: table of that name.
    """
    figure, grid = panels([""], 1, 7.4)
    axes = grid[0, 0]
    log_axis(axes.xaxis)
    log_axis(axes.yaxis)
    for run in PUBLISHED:
        _draw_published(axes, run)
    moved = locoprop_released[locoprop_released["epoch"] > 1]
    ours = moved.assign(value=moved["train_loss"] - ENTROPY)
    if len(ours):
        _draw_ours(axes, ours)
    axes.set(xlabel="epochs", ylabel=EXCESS)
    label_lines(figure)
    return figure


def _draw_ours(axes: Axes, run: pd.DataFrame) -> None:
    """The line, with its name at its own end: others end far from there."""
    look = METHODS["locoprop-m"].look
    draw_curve(axes, run, "epoch", "_", look)
    end = run.sort_values("epoch").iloc[-1][["epoch", "value"]]
    name = "LocoProp-M,\nthis code"
    ink = text_colour(look["color"])
    axes.annotate(name, tuple(end), (6, 0), textcoords="offset points", va="center", color=ink)


def _draw_published(axes: Axes, run: Published) -> None:
    look = METHODS[run.method].look if run.method in METHODS else OTHERS[run.method]
    dashed: Look = {"linestyle": "--"} if run.weight_decay and run.method in METHODS else {"linestyle": "-"}
    colour = GREY if run.method == "momentum" else look["color"]
    heights = [loss - ENTROPY for loss in run.losses.values()]
    axes.plot([*run.losses], heights, label=run.title, **look | THIN | dashed | {"color": colour})
