"""Figure: what the first steps on minibatches keep, at multiples of each network's best rate."""

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
How much of their promise the first steps keep (above), and whether the curvature comes to where the rate can
bear it (below). The share kept is the sum of the actual drops since the marker before over that of the
promised ones, and wherever it is above the thin line the loss falls; the curvature is the largest eigenvalue
of the Hessian in units of 2 / rate, beyond which (thin line) a step overshoots by more than it gains in the
sharpest direction. Lines are the darker the higher the rate, named as a multiple of the network's best, means
over seeds with bands for their 95 % intervals (number of seeds: {{ early_steps.seeds | length }}), each
seed's value held within the panel's scale; crosses count seeds that diverged. Made with networks of
{{ early_steps.depth }} hidden layers of {{ early_steps.hidden_width }} units, trained by gradient descent on
minibatches of {{ early_steps.batch_size }} images of {{ dataset }}; curvature is measured on
{{ early_steps.full_batch }} training images.
""",
)


@styled
def draw(early_steps: pd.DataFrame) -> Figure:
    """Share kept and curvature against the step.

    Args:
        early_steps: table early_steps.
    """
    return draw_quantities(where(early_steps, batches="minibatches"), ["kept", "edge"])
