"""Figure: autocorrelation of gradients of residual networks built in other ways."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.gradient_autocorrelation import draw_lags, draw_rulers, name_axes
from movingtarget.figures.labels import label_lines
from movingtarget.figures.rows import divide, where
from movingtarget.figures.style import LOOKS, panels, shades, styled


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
