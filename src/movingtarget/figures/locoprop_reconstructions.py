"""Figure: test images and what each method's autoencoder makes of them."""

from math import isqrt

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from movingtarget.drawing.autoencoders import methods_of
from movingtarget.drawing.style import CENTIMETRE, WIDTH, panels, styled
from movingtarget.figure import Drawing
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_locoprop",
    tables=("locoprop_reconstructions",),
    caption="""\
What the losses look like: compare a column with the originals at the left, from which it is rebuilt
through a code of {{ autoencoders.architectures[0].hidden_widths | last }} numbers. Rows are the first {{
autoencoders.shown_images }} test images of {{ dataset }}, columns the methods, in grey from 0, white, to
1, black; white, too, is what a diverged network makes of them. Made by the first seed of each method,
after {{ autoencoders.horizons | max }} epochs on {{ autoencoders.training_images }} training images.
""",
)

GAP = 2
"""Between images, in pixels."""

LARGEST = 2.0
"""Size of an image with its gap, in centimetres."""


@styled
def draw(locoprop_reconstructions: pd.DataFrame) -> Figure:
    """Square images, a row for each and a column for the originals and each method.

    Args:
        locoprop_reconstructions: table of that name.
    """
    methods = methods_of(locoprop_reconstructions)
    first = where(locoprop_reconstructions, method=methods[0])
    columns = [_images(first, "original")]
    columns += [
        _images(where(locoprop_reconstructions, method=method), "reconstruction") for method in methods
    ]
    size = min(WIDTH / CENTIMETRE / len(columns), LARGEST)
    figure, grid = panels([""], 1, len(columns[0]) * size + 2.0)
    axes = grid[0, 0]
    axes.imshow(_mosaic(columns), cmap="gray_r", vmin=0, vmax=1, interpolation="none")
    side = columns[0].shape[-1]
    places = (side + GAP) * np.arange(len(columns)) + (side - 1) / 2
    names = ["originals", *(METHODS[method].title for method in methods)]
    axes.set_xticks(places, names, rotation=45, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_yticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _images(rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Images as squares, `(images, side, side)`."""
    table = rows.pivot(index="image", columns="pixel", values=column).to_numpy(np.float64)
    side = isqrt(table.shape[1])
    return table.reshape(len(table), side, side)


def _mosaic(columns: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Columns of images side by side, with gaps of NaN, which is drawn white."""
    padded = [np.pad(column, ((0, 0), (0, GAP), (0, GAP)), constant_values=np.nan) for column in columns]
    return np.concatenate([column.reshape(-1, column.shape[-1]) for column in padded], axis=1)
