"""Figure: estimates of mutual information beside known truths, through noise of every size."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figure import Drawing
from movingtarget.figures.estimator_accuracy import draw_noises

FIGURE = Drawing(
    rule="draw_information",
    tables=("estimator_accuracy",),
    caption="""\
Which estimator to trust where: see whether an estimator's marks lie on the thin dark line, the truth,
along a whole row of panels, that is, whatever the relation, and whether they leave it as columns are
added. In each panel an estimator has a line of its own and on it, from the top down, {{
estimator_accuracy.dimensions | join(", ") }} columns on each side; a mark is hollow where the number of
examples decided, not the relation, in one seed at least. The abscissa is the estimate over the truth,
dimensionless, with what is below 0 or beyond twice the truth on the edges, or, for shuffled examples,
whose truth is 0, the estimate in nats, with the logarithm of the number of examples as a grey line.
Marks are means over seeds and bars their 95 % intervals (number of seeds: {{ estimator_accuracy.seeds |
length }}); distances are left out where noise is not Gaussian, as they must be told its size. Made with
{{ estimator_accuracy.examples }} examples of independent Gaussian units with themselves, of units with
variances that fall as 1, 1/2, 1/3 and so on with themselves rotated (decaying), of Gaussian units with
their magnitudes, and with themselves shuffled, all at unit size and read through Gaussian noise of their
own on both sides; of the first of these readings cubed; and of uniform units with themselves plus uniform
noise of so many times their range to either side.
""",
)


def draw(accuracy: pd.DataFrame) -> Figure:
    """A column of panels for each task, a row for each noise.

    Args:
        accuracy: table estimator_accuracy.
    """
    return draw_noises(accuracy, sorted(accuracy["noise"].unique()))
