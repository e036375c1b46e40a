"""Figure: the first steps on a full batch, at multiples of each network's best rate."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.early_steps import draw_quantities
from movingtarget.drawing.style import styled
from movingtarget.figure import Drawing
from movingtarget.statistics.rows import where

FIGURE = Drawing(
    rule="draw_early_steps",
    tables=("early_steps",),
    caption="""\
Whether steps on always the same examples, without noise, still break their promise, and whether the curvature
falls to the edge. Panels, lines and bands are those of the figure on minibatches (number of seeds:
{{ early_steps.seeds | length }}), best rates those of the full batch. Made with the same networks, trained by
gradient descent on {{ early_steps.full_batch }} images of {{ dataset }}, each seed's own, the same in every
step.
""",
)


@styled
def draw(early_steps: pd.DataFrame) -> Figure:
    """Share kept and curvature against the step.

    Args:
        early_steps: table early_steps.
    """
    return draw_quantities(where(early_steps, batches="full batch"), ["kept", "edge"])
