"""Figure: gradients of random networks at two inputs, as in theorems 1 to 3 of Balduzzi et al. 2017."""

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from movingtarget.drawing.curves import draw_curve, log_axis, name_missing
from movingtarget.drawing.depths import depth_axis
from movingtarget.drawing.labels import label_lines
from movingtarget.drawing.style import LOOKS, line_family, line_name, panels, styled
from movingtarget.figure import Drawing
from movingtarget.look import DARK, GREY, Look
from movingtarget.statistics.rows import divide
from movingtarget.theory import arc_cosine
from movingtarget.theory.shattering import (
    Moments,
    centred_residual_moments,
    feedforward_moments,
    highway_moments,
    residual_moments,
    scaled_residual_asymptote,
    scaled_residual_moments,
)

FIGURE = Drawing(
    rule="draw_shattering",
    tables=("gradient_correlation",),
    caption="""\
How fast the gradients of two unrelated inputs lose touch with depth, by the theorems and in networks: see
whether the grey crosses, gates that open at random, lie on the thin dark lines of the paper, and where
real rectifiers, in colour, leave them. The abscissa is the number of layers or blocks, the ordinate the
correlation, a ratio of averages over units, inputs and seeds, both logarithmic. Exact is the product
whose asymptote is theorem 3, centred if batch norm subtracts the mean, and kernel the recursion of the
arc-cosine kernel for rectifiers. Curves are means over seeds and bands their 95 % intervals (number of
seeds: {{ gradient_correlation.seeds | length }}); what lies below 0.0001, the noise of sampling, or above
2 is left out, and what is undefined is named above its panel. Made from the gradients of one output of
networks {{ gradient_correlation.width }} units wide at {{ gradient_correlation.inputs }} independent
normal inputs, batch statistics held constant.
""",
)

LEAST, GREATEST = 1e-4, 2.0
"""Correlations that are drawn: less is noise of sampling, more an asymptote far from where it holds."""

RANDOM: Look = {"color": GREY, "marker": "P", "markersize": 4, "linestyle": "none"}
"""Of networks with random gates: markers alone, on the laws that they must obey."""


@styled
def draw(moments: pd.DataFrame) -> Figure:
    """Correlation against depth: a panel for each kind of network whose branches are not scaled.

    Args:
        moments: table gradient_correlation.
    """
    kinds = kinds_of(moments[moments["beta"].isna() | (moments["beta"] == 1)])
    figure, grid = panels([*kinds], columns=2, row_height=4.8)
    for axes, rows in zip(grid.flat, kinds.values(), strict=False):
        draw_moment(axes, rows, "correlation", ticks=5)
        axes.set_xlabel("depth (layers)")
    label_lines(figure)
    return figure


def kinds_of(moments: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows by the title of their panels; feedforward networks share one, however they are normalised."""
    kinds = {}
    for (network, beta), rows in divide(moments, "network", "beta").items():
        if network == "residual":
            for normalisation, of_kind in divide(rows, "normalisation").items():
                kinds[line_name(network, normalisation, beta)] = of_kind
        else:
            kinds[network] = rows
    return kinds


def draw_moment(axes: Axes, rows: pd.DataFrame, quantity: str, ticks: int) -> None:
    """Laws, then measurements; their names stand in the panels of the correlation only.

    Args:
        axes: where to draw.
        rows: those of one kind of network.
        quantity: variance, covariance or correlation.
        ticks: of the abscissa, at most.
    """
    depth_axis(axes, rows["depth"], ticks)
    log_axis(axes.yaxis)
    axes.set_ylabel(quantity)
    unnamed = "" if quantity == "correlation" else "_"
    depths = np.arange(rows["depth"].min(), rows["depth"].max() + 1)
    for name, law in _laws(rows, depths).items():
        legible = _legible(law.correlation) | (quantity == "variance")
        values = np.where(legible, getattr(law, quantity), np.nan)
        if not np.isnan(values).all():
            axes.plot(depths, values, color=DARK, linewidth=0.7, label=unnamed + name)
    for (gates, normalisation), curve in divide(rows, "gates", "normalisation").items():
        name, look = _name_and_look(curve["network"].iloc[0], gates, normalisation)
        _draw_curve(axes, curve, quantity, unnamed, name, look)
    heights = np.concatenate([line.get_ydata() for line in axes.lines] or [[1.0]])
    axes.set_ylim(bottom=0.7 * heights[heights > 0].min(initial=1.0))


def _draw_curve(axes: Axes, rows: pd.DataFrame, quantity: str, unnamed: str, name: str, look: Look) -> None:
    """Means where they are legible; where a value is undefined, the panel's title says so."""
    legible = _legible(rows["correlation"].groupby(rows["depth"]).transform("mean")) | (
        quantity == "variance"
    )
    curve = rows.assign(value=rows[quantity])
    draw_curve(axes, curve.assign(value=curve["value"].where(legible)), "depth", unnamed + name, look)
    undefined = curve.loc[~np.isfinite(curve["value"]), "depth"]
    name_missing(axes, curve[curve["depth"].isin(undefined)], "depth", name, 24)


def _legible(correlation: NDArray[np.float64] | pd.Series) -> NDArray[np.bool_]:
    return np.asarray((correlation >= LEAST) & (correlation <= GREATEST))


def _name_and_look(network: str, gates: str, normalisation: str) -> tuple[str, Look]:
    if gates == "random":
        return "random gates", RANDOM
    if network == "highway":
        return "rectifiers", LOOKS["highway"]
    look = LOOKS[line_family(network, normalisation)]
    if network == "residual":
        return "rectifiers", look
    own: Look = {"marker": "v", "linestyle": "-"} if normalisation == "centred" else {}
    return line_name("", normalisation, np.nan).removeprefix(", "), look | own


def _laws(rows: pd.DataFrame, depths: NDArray[np.int64]) -> dict[str, Moments]:
    """What theory says of a kind of network at these depths, by name."""
    network, normalisation, beta = rows[["network", "normalisation", "beta"]].iloc[0]
    kernel = partial(_kernel_law, network, depths=depths)
    if network == "feedforward":
        kernels = {"kernel": kernel("none"), "kernel, centred": kernel("centred")}
        return {"theorem 1": feedforward_moments(depths)} | kernels
    if network == "highway":
        return {"corollary 1": highway_moments(depths, np.sqrt(1 - 1 / depths), np.sqrt(1 / depths))}
    kernels = {"kernel": kernel(normalisation)} if beta == 1 else {}  # it is not known for others
    if normalisation == "none":
        return {"theorem 2": residual_moments(depths)} | kernels
    return {
        "theorem 3": scaled_residual_asymptote(depths, beta),
        "exact": scaled_residual_moments(depths, beta),
        "exact, centred": centred_residual_moments(depths, beta),
    } | kernels


def _kernel_law(network: str, normalisation: str, depths: NDArray[np.int64]) -> Moments:
    """The correlation of gradients of networks of rectifiers; of their variance the kernel says nothing."""
    correlation = [arc_cosine.gradient_correlation(network, normalisation, depth) for depth in depths]
    unknown = np.full(len(depths), np.nan)
    return Moments(unknown, unknown, np.array(correlation))
