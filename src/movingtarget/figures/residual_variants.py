"""Figure: autocorrelation of gradients of residual networks built in other ways."""

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
        "residual_variants",
        "noise_autocorrelation",
    ),
    caption="""\
How much the memory of a residual network's slopes depends on how its blocks are built: see whether the
variants keep their order and their place between brown and white noise. A panel holds one branch scale
beta, a curve one variant of the deepest networks; the abscissa is the lag in grid points, the ordinate
the autocorrelation, which is dimensionless and 1 at lag 0. Thin dark lines are brown and white noise of
the same length. Lines are means over seeds and bands their 95 % intervals (number of seeds: {{
line_gradients.seeds | length }}); what is undefined is named above its panel. Made from df/dx at {{
line_gradients.points }} equally spaced inputs within {{ line_gradients.half_width }} of zero of
rectifier networks with batch norm, {{ line_gradients.width }} units wide, with the biased estimator
after removal of the mean.
""",
)


@styled
def draw(variants: pd.DataFrame, noise: pd.DataFrame) -> Figure:
    """Autocorrelation against lag at the greatest depth: a panel for each beta, a curve for each variant.

    Args:
        variants: table residual_variants.
        noise: table noise_autocorrelation.
    """
    depth = variants["depth"].max()
    betas = divide(where(variants, depth=depth), "beta")
    titles = [f"β = {beta:g}, depth {depth}" for beta in betas]
    figure, grid = panels(titles, columns=1, row_height=5.5, sharey=True)
    for axes, rows in zip(grid[:, 0], betas.values(), strict=True):
        draw_rulers(axes, noise)
        look = LOOKS["residual"]
        named = divide(rows, "variant")
        for shade, (variant, of_variant) in zip(
            shades(look["color"], len(named)), named.items(), strict=True
        ):
            draw_lags(axes, of_variant, variant, {"color": shade})
    name_axes(grid)
    label_lines(figure)
    return figure
