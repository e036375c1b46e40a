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
from movingtarget.drawing.style import extremes, styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_moving_target",
    tables=("moving_target",),
    caption="""\
Internal covariate shift, or how a layer's gradient changes once the layers below it have taken their
step: see at which promise each family's gradient turns away from the one it follows, and whether batch
norm or residual branches delay that. The ordinate is the cosine between both gradients, 1 if they point
the same way and below 0 if against each other. In the first rows it is a mean over layers, against the
drop that a step promises as a share of the loss, F / L; in the last one it stands layer by layer, at the
middle promise, {{ (moving_target.promises | sort)[(moving_target.promises | length - 1) // 2] }}, after
{{ moving_target.steps | max }} steps, once on the step's own batch, where part of the change is the
decrease of the loss that the step was for, and once on a fresh one. Lines are means over seeds and bands
their 95 % intervals (number of seeds: {{ moving_target.seeds | length }}); seeds without a value, which
have diverged before or whose promise no finite rate makes, are counted above the panel, and where there
is one there is no mean. Made from layer 2 on, since below the first there is none, with a step of
networks trained at their own best rates on {{ dataset }} for as many steps as the panel says.
""",
)

BATCHES = {"shift_cosine": "same batch", "fresh_shift_cosine": "fresh batch"}


@styled
def draw(moving_target: pd.DataFrame) -> Figure:
    """The cosine against F / L at the first and the last step, and against layer, on either batch.

    Args:
        moving_target: table moving_target.
    """
    matched = where(moving_target, rate="matched")
    depths, steps = extremes_and_middle(matched["depth"]), extremes(matched["step"])
    titles = [f"depth {depth:g}, step {step}" for step in steps for depth in depths]
    titles += [f"depth {depth:g}, {batch}" for batch in BATCHES.values() for depth in depths]
    figure, grid = rows_of_panels(titles, len(depths), row_height=4.2, sharey=True)
    cosines = where(matched, quantity="shift_cosine", layer=0)
    for line, step in zip(grid, steps, strict=False):
        of_step = where(cosines, step=step)
        row = {axes: where(of_step, depth=depth) for axes, depth in zip(line, depths, strict=True)}
        for height in (0, 1):
            draw_level(row, "promise", height)
        draw_held(row, "promise", -1, 1)
        for axes in line:
            axes.set_xlabel("F / L")
    late = where(matched, promise=middle(matched["promise"]), step=matched["step"].max())
    for line, quantity in zip(grid[len(steps) :], BATCHES, strict=True):
        chosen = where(late, quantity=quantity)
        draw_layers({axes: where(chosen, depth=depth) for axes, depth in zip(line, depths, strict=True)})
        for axes in line:
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.set_xlabel("layer")
    for line in grid:
        line[0].set_ylabel("cosine (1 for the\nsame direction)")
    label_lines(figure)
    return figure
