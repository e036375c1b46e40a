"""Figure: how far random first layers, and the directions of strokes, get in telling two classes apart."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.curves import draw_curve
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.networks import network_name
from movingtarget.drawing.rows import draw_mean
from movingtarget.drawing.style import LOOKS, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, GREY, Look
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_first_layers",
    tables=("two_classes",),
    caption="""\
How near a linear read-out of random first layers, or of stroke directions, comes to a network that is trained
whole (a), and what each further random layer loses (b). Wrong answers are counted among all test images of
the classes {{ two_classes.classes | join(" and ") }} of {{ dataset }}; (b) counts the random layers below the
read-out. Small dots are seeds, large ones their means, with lines or bands for 95 % intervals (number of
seeds: {{ two_classes.seeds | length }}, each with training images of its own), and a cross at the right edge
counts seeds that diverged. Made with
{{ two_classes.examples }} training images: logistic regressions of the pixels, of the edges' directions ({{
two_classes.directions }} bins, in the whole image or on a grid of {{ two_classes.cells }} x
{{ two_classes.cells }} cells) and of the outputs of random layers, and networks trained for
{{ two_classes.steps }} steps at their own best rate.
""",
)

BY_HAND = {"pixels": "pixels", "strokes-whole": "strokes, whole image", "strokes": "strokes, on a grid"}


@styled
def draw(two_classes: pd.DataFrame) -> Figure:
    """Wrong answers of every classifier, then of random layers by their number.

    Args:
        two_classes: table two_classes.
    """
    tests = where(two_classes, quantity="test_accuracy")
    errors = tests.assign(value=100 * (1 - tests["value"]))
    titles = ["classifiers", "read-outs of random layers"]
    figure, grid = panels(titles, columns=2, row_height=5.6, widths=[1, 1])
    of_classifiers, of_layers = grid[0]
    _draw_classifiers(of_classifiers, errors)
    of_classifiers.set_xlabel("wrong answers (%)")
    for network, rows in divide(where(errors, classifier="random-layers"), "network").items():
        draw_curve(of_layers, rows, "layers", network_name(network), LOOKS[network])
    of_layers.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    of_layers.set(xlabel="random layers", ylabel="wrong answers (%)")
    label_lines(figure)
    return figure


def _classifiers(errors: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, Look]]:
    """Rows and look of each classifier, by its name: by hand, one random layer, trained whole."""
    found = {
        name: (where(errors, classifier=key), {"color": DARK, "marker": "o"}) for key, name in BY_HAND.items()
    }
    random, trained = where(errors, classifier="random-layers"), where(errors, classifier="trained")
    for network, rows in divide(random, "network").items():
        name, look = network_name(network), {**LOOKS[network], "linestyle": "-"}
        found[f"{name}, 1 random layer"] = where(rows, layers=1), look
        found[f"{name}, trained whole"] = where(trained, network=network), look
    return found


def _draw_classifiers(axes: Axes, errors: pd.DataFrame) -> None:
    """A line of the panel for each classifier: its seeds, their mean and its interval."""
    classifiers = _classifiers(errors)
    for place, (rows, look) in enumerate(classifiers.values()):
        single: Look = {"color": GREY, "marker": "o", "markersize": 1.5, "linestyle": "none", "label": "_"}
        axes.plot(rows["value"], [place + 0.25] * len(rows), **single)
        draw_mean(axes, rows["value"], place, look)
    axes.set_yticks(range(len(classifiers)), [*classifiers])
    axes.set_ylim(len(classifiers) - 0.5, -0.5)
