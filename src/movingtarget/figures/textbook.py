"""Figure: autocorrelation of a textbook's slopes, as they stand and after single changes."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, panels, shades, styled
from movingtarget.figure import Drawing
from movingtarget.figures.gradient_autocorrelation import draw_lags, draw_rulers, name_axes
from movingtarget.statistics.rows import divide, where

FIGURE = Drawing(
    rule="draw_shattering",
    tables=(
        "textbook_autocorrelation",
        "noise_autocorrelation",
    ),
    caption="""\
Why a textbook's plot does not come out like the paper's: see which single change brings the curves of
deep networks down to white noise. The first panel is the textbook's setting with its own estimator,
which leaves the slopes their mean; the second removes the mean, as the paper does, and every further
one makes one change to the network besides. A curve is one depth, the deeper the darker; the abscissa
is the lag in grid points, the ordinate the autocorrelation, dimensionless and 1 at lag 0, thin dark
lines are brown and white noise, and bands are 95 % intervals over seeds (number of seeds: {{
textbook.seeds | length }}), what is undefined being named above its panel. Made from df/dx at {{
textbook.points }} equally spaced inputs within {{ textbook.half_width }} of zero of rectifier networks
{{ textbook.width }} units wide, weights and biases normal with variance 1 / width unless changed.
""",
)


@styled
def draw(autocorrelation: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Autocorrelation against lag: a panel for the textbook's estimator, and one for each change.

    Args:
        autocorrelation: table textbook_autocorrelation.
        noise: table noise_autocorrelation, of the rulers.
    """
    kept = where(autocorrelation, estimator="mean kept")
    removed = where(autocorrelation, estimator="mean removed")
    first = autocorrelation["change"].iloc[0]
    drawn = {f"{first}, mean kept": where(kept, change=first)}
    drawn |= {f"{change}, mean removed": rows for change, rows in divide(removed, "change").items()}
    titles = [name if first in name else name.removesuffix(", mean removed") for name in drawn]
    figure, grid = panels(titles, columns=2, row_height=5.2, sharey=True)
    for axes, (name, rows) in zip(grid.flat, drawn.items(), strict=False):
        draw_rulers(axes, noise)
        family = "batch-norm" if "mean subtracted" in name else "plain"
        depths = divide(rows.sort_values("depth"), "depth")
        for shade, (depth, of_depth) in zip(
            shades(LOOKS[family]["color"], len(depths)), depths.items(), strict=True
        ):
            draw_lags(axes, of_depth, f"depth {depth}", {"color": shade})
    name_axes(grid)
    label_lines(figure)
    return figure
