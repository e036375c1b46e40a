"""Figure: the first steps on minibatches, at multiples of each network's best rate."""

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
The first steps at the best rate, below it and above it: see whether the loss falls although little of
the promise is kept, and whether the curvature comes to where the rate can bear it. From above: the loss
of the minibatches; the share of the first-order promise that they kept, the sum of J over that of F; the
largest eigenvalue of the Hessian in units of 2 / rate, beyond which (thin dark line) a step overshoots
by more than it gains in the sharpest direction; the share made of the way from the first to the last
features, by their centred kernel alignment, a mean over hidden layers. Losses and shares are of the
steps since the marker before, the other two are before the step itself; lines are the darker the higher
the rate, named as a multiple of the network's best, means over seeds with bands for their 95 % intervals
(number of seeds: {{ early_steps.seeds | length }}), each seed's value held within the panel's scale. Where
a seed has diverged a line has a gap, and a cross above the first row counts such seeds; hairlines only
lead to names. Made with networks of {{ early_steps.depth }} hidden layers of {{ early_steps.hidden_width }}
units, trained by gradient descent on minibatches of {{ early_steps.batch_size }} images of {{ dataset }};
curvature and features are measured on {{ early_steps.full_batch }} training images.
""",
)


@styled
def draw(early_steps: pd.DataFrame) -> Figure:
    """Loss, share kept, curvature and features against the step.

    Args:
        early_steps: table early_steps.
    """
    rows = where(early_steps, batches="minibatches")
    return draw_quantities(rows, ["loss", "kept", "edge", "way_to_features"])
