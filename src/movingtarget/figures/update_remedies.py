"""Figure: training with other targets, rates or stages for the layers, at its costs."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.figures.orders import REMEDIES
from movingtarget.figures.update_orders import draw_orders


def draw(update_orders: pd.DataFrame, update_order_times: pd.DataFrame) -> Figure:
    """LocoProp, layer-wise rates, freezing and greedy training; see `draw_orders`."""
    return draw_orders(update_orders, update_order_times, REMEDIES)
