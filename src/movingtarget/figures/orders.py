"""What figures of update orders share: names, looks, and each arm at its own best learning rate."""

import pandas as pd

from movingtarget.figures.rows import divide, where
from movingtarget.figures.style import DARK, LOOKS, Look
from movingtarget.training.selection import best_learning_rate

ORDER_NAMES = {
    "simultaneous": "simultaneous",
    "stale": "stale",
    "forward": "forward sweep",
    "backward": "backward sweep",
    "random": "random sweep",
    "fresh": "fresh batches",
    "round-robin": "round robin",
    "locoprop-m": "LocoProp-M",
    "locoprop-s": "LocoProp-S",
    "smaller-early": "smaller early rates",
    "smaller-late": "smaller late rates",
    "lars": "LARS",
    "freeze": "freeze in order",
    "greedy": "greedy",
}
"""What an update order is called in figures; they appear in this order."""

ORDER_LOOKS: dict[str, Look] = {  # colours from Paul Tol's palettes, but for LocoProp-M's, the family's own
    "simultaneous": {"color": DARK, "marker": "o", "linestyle": "-"},
    "stale": {"color": "#777777", "marker": ".", "linestyle": ":"},
    "forward": {"color": "#332288", "marker": "^", "linestyle": "-"},
    "backward": {"color": "#CC6677", "marker": "v", "linestyle": (0, (4, 1.5))},
    "random": {"color": "#44AA99", "marker": "*", "linestyle": (0, (1, 1))},
    "fresh": {"color": "#999933", "marker": "s", "linestyle": (0, (4, 1.2, 1, 1.2))},
    "round-robin": {"color": "#88CCEE", "marker": "P", "linestyle": (0, (6, 1.5, 1, 1.5, 1, 1.5))},
    "locoprop-m": LOOKS["locoprop"],
    "locoprop-s": {"color": "#AA4499", "marker": "d", "linestyle": (0, (3, 1, 1, 1, 1, 1))},
    "smaller-early": {"color": "#117733", "marker": "<", "linestyle": "-"},
    "smaller-late": {"color": "#DDCC77", "marker": ">", "linestyle": (0, (8, 2))},
    "lars": {"color": "#6699CC", "marker": "X", "linestyle": (0, (2.5, 1))},
    "freeze": {"color": "#882255", "marker": "p", "linestyle": (0, (5, 1, 1, 1, 1, 1, 1, 1))},
    "greedy": {"color": "#661100", "marker": "h", "linestyle": (0, (3, 1.5))},
}
"""The look of each update order, the same in every figure."""

RECOMPUTED = ["simultaneous", "forward", "backward", "random", "fresh", "round-robin"]
"""Orders that move a layer along its gradient at the current weights, and what they are compared with.

The order "stale" is left out of both groups: it is simultaneous to the last bit.
"""

REMEDIES = ["simultaneous", *(order for order in ORDER_NAMES if order not in [*RECOMPUTED, "stale"])]
"""Other targets, rates or stages for the layers, and what they are compared with."""


def at_best_rates(table: pd.DataFrame, *arm: str) -> pd.DataFrame:
    """The rows of each arm, told apart by the columns named, at its own best learning rate."""
    arms = divide(table, *arm).values()
    return pd.concat([where(rows, learning_rate=best_learning_rate(rows)) for rows in arms])
