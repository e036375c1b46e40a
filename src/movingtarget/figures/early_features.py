"""Figure: loss and features in the first steps on minibatches, at multiples of each network's best rate."""

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
How the loss falls in the first steps (above), and how soon features have made most of their way (below). The
way is that from the first to the last features, by their centred kernel alignment, a mean over hidden layers,
and losses are means since the marker before. Lines, bands and crosses are those of the figure of what the
steps keep (number of seeds: {{ early_steps.seeds | length }}). Made with the same steps; features are those
of {{ early_steps.full_batch }} training images.
""",
)


@styled
def draw(early_steps: pd.DataFrame) -> Figure:
    """Loss and way to the last features against the step.

    Args:
        early_steps: table early_steps.
    """
    return draw_quantities(where(early_steps, batches="minibatches"), ["loss", "way_to_features"])
