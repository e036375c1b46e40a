"""What figures against depth share: a logarithmic abscissa with ticks at the depths measured."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from movingtarget.drawing.curves import log_axis


def depth_axis(axes: Axes, depths: pd.Series, ticks: int = 8) -> None:
    """Make the abscissa logarithmic, with at most `ticks` ticks, at some of `depths`."""
    log_axis(axes.xaxis)
    places = sorted(depths.unique())
    axes.set_xticks(places[:: -(-len(places) // ticks)])
    axes.xaxis.set_minor_locator(NullLocator())
