"""Figure: training with other targets, rates or stages for the layers, at its costs."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.update_orders import REMEDIES, draw_orders
from movingtarget.figure import Drawing

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=(
        "update_orders",
        "update_order_times",
    ),
    caption="""\
Whether other targets, rates or stages for the layers do better than moving all of them along one
gradient: compare the orders with simultaneous updates, after equally many steps in the last column and
in the others along the thin vertical line, which stands at what simultaneous updates have spent in the
end. The ordinate is the training loss in nats and all axes are logarithmic; FLOPs are those of one
member's matrix products, time is that of all {{ (update_orders.seeds | length) *
(update_orders.learning_rates | length) }} members together at the mean time of a step, and a gradient
evaluation is a point in weight space at which a gradient was taken, of all layers or of one. LocoProp
takes {{ locoprop.iterations }} local steps for each layer towards targets that stay as they are;
smaller early or late rates fall from layer to layer, LARS sets each by the norms of weights and
gradient; freezing in order stops the layers one by one from the bottom, and greedy training adds them
one by one in the first half, where the loss is that of the whole network. Lines are means over seeds
and bands their 95 % intervals (number of seeds: {{ update_orders.seeds | length }}); a line of which a
seed diverged ends there, under a cross that gives their number, and hairlines only lead to names. Made
by training networks of {{ update_orders.depth }} hidden layers, {{ update_orders.hidden_width }} units
wide, for {{ update_orders.steps }} steps on minibatches of {{ update_orders.batch_size }} images of {{
dataset }}, each order at its own best of {{ update_orders.learning_rates | length }} learning rates,
the one with the lowest mean training loss at the end.
""",
)


def draw(update_orders: pd.DataFrame, update_order_times: pd.DataFrame) -> Figure:
    """LocoProp, layer-wise rates, freezing and greedy training; see `draw_orders`."""
    return draw_orders(update_orders, update_order_times, REMEDIES)
