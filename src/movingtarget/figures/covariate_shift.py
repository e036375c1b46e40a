"""Figure: internal covariate shift, how a layer's gradient changes once the layers below have moved."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.moving_target import (
    draw_held,
    draw_layers,
    draw_level,
    extremes_and_middle,
    middle,
    rows_of_panels,
)
from movingtarget.drawing.style import styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
How far a layer's gradient turns once the layers below have taken their step, by what the step promises
(above) and layer by layer (below). The ordinate is the cosine between both gradients, 1 if they point the
same way; above it is a mean over layers, on the step's own batch, where part of the change is the decrease of
the loss that the step was for, below it is of a fresh batch, at a promise F / L of
{{ (moving_target.promises | sort)[(moving_target.promises | length - 1) // 2] }}. Lines are means over seeds
and bands their 95 % intervals (number of seeds: {{ moving_target.seeds | length }}); seeds without a value
are counted above the panel, and where there is one there is no mean. Made from layer 2 on, since below the
first there is none, with a step of networks trained before at their own best rates on {{ dataset }} for
{{ moving_target.steps | max }} steps.
""",
)


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """The cosine after training, against F / L on the step's batch and against layer on a fresh one.

    Args:
        moving_target: table moving_target.
    """
    matched = where(moving_target, rate="matched", step=moving_target["step"].max())
    depths = extremes_and_middle(matched["depth"])
    titles = [f"{depth:g} layers, {batch}" for batch in ("same batch", "fresh batch") for depth in depths]
    figure, grid = rows_of_panels(titles, len(depths), row_height=4.4, sharey=True)
    of_promise = where(matched, quantity="shift_cosine", layer=0)
    above = {axes: where(of_promise, depth=depth) for axes, depth in zip(grid[0], depths, strict=True)}
    for height in (0, 1):
        draw_level(above, "promise", height)
    draw_held(above, "promise", -1, 1)
    of_layer = where(matched, quantity="fresh_shift_cosine", promise=middle(matched["promise"]))
    draw_layers({axes: where(of_layer, depth=depth) for axes, depth in zip(grid[1], depths, strict=True)})
    for line, name in zip(grid, ("F / L", "layer"), strict=True):
        line[0].set_ylabel("cosine (1 for the\nsame direction)")
        for axes in line:
            axes.set_xlabel(name)
    for axes in grid[1]:
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    label_lines(figure)
    return figure
