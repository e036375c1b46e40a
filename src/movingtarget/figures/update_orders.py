"""Figure: training with layers moved one after the other, along gradients computed again, at its costs."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.update_orders import RECOMPUTED, draw_orders
from movingtarget.figure import Drawing

FIGURE = Drawing(
    rule="draw_update_orders",
    tables=(
        "update_orders",
        "update_order_times",
    ),
    caption="""\
Whether it pays to compute the gradient again for each layer: in the last column compare the orders
after equally many steps, and in the others along the thin vertical line, which stands at what
simultaneous updates have spent in the end. The ordinate is the training loss in nats and all axes are
logarithmic; FLOPs are those of one member's matrix products, time is that of all {{
(update_orders.seeds | length) * (update_orders.learning_rates | length) }} members together at the mean
time of a step, and a gradient evaluation is a point in weight space at which a gradient was taken, of
all layers or of one. A sweep moves every layer once a step, each along its gradient at the weights that
those before it left; fresh batches go forward with a minibatch of its own for each layer, round robin
moves one layer a step, and the stale order, one gradient applied layer by layer, is simultaneous to the
last bit and not drawn twice. Lines are means over seeds and bands their 95 % intervals (number of
seeds: {{ update_orders.seeds | length }}); a line of which a seed diverged ends there, under a cross
that gives their number, and hairlines only lead to names. Made by training networks of {{
update_orders.depth }} hidden layers, {{ update_orders.hidden_width }} units wide, for {{
update_orders.steps }} steps on minibatches of {{ update_orders.batch_size }} images of {{ dataset }},
each order at its own best of {{ update_orders.learning_rates | length }} learning rates, the one with
the lowest mean training loss at the end.
""",
)


def draw(update_orders: pd.DataFrame, update_order_times: pd.DataFrame) -> Figure:
    """Orders that compute the gradient again for each layer; see `draw_orders`."""
    return draw_orders(update_orders, update_order_times, RECOMPUTED)
