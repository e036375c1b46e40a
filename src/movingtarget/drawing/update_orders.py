"""What figures of update orders share: the regimes, their names, a panel for each network in each."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.style import arm_name, panels
from movingtarget.look import Look
from movingtarget.statistics.rows import divide
from movingtarget.update_orders import UPDATE_ORDERS

REGIMES = {
    "full-batch": "full batch",
    "minibatch": "a minibatch a step",
    "fresh": "a minibatch a layer",
}
"""What figures call the regimes, in their order."""


NETWORKS = 2
"""As many as figures have room for; the report's table has the others."""

BUDGETS: dict[str, tuple[str, Look]] = {  # colours from Paul Tol's high-contrast palette
    "sweep": ("steps", {"color": "#000000", "marker": "o"}),
    "long-flop": ("FLOPs", {"color": "#DDAA33", "marker": "s"}),
    "long-second": ("seconds", {"color": "#BB5566", "marker": "D"}),
}
"""Name and look of each budget."""


def regime_panels(
    table: pd.DataFrame, row_height: float, **sharing: Any
) -> tuple[Figure, Mapping[tuple[str, str], Axes]]:
    """A figure with a row for each regime and a column for the first networks, and its axes by both.

    Args:
        table: with columns regime and network.
        row_height: of a row, in centimetres.
        sharing: of axes, their widths and heights, as `panels` has it.
    """
    regimes, networks = regimes_of(table), [*divide(table, "network")][:NETWORKS]
    titles = [arm_name(network, "sgd") for _ in regimes for network in networks]
    figure, grid = panels(titles, len(networks), row_height, **sharing)
    for row, regime in zip(grid, regimes, strict=True):
        row[0].set_ylabel(REGIMES[regime])
    placed = {
        (regime, network): axes
        for row, regime in zip(grid, regimes, strict=True)
        for axes, network in zip(row, networks, strict=True)
    }
    return figure, placed


def room_for_names(table: pd.DataFrame) -> list[float]:
    """Widths of the networks' columns, the last of which has the names of lines beside them."""
    return [1.0] * (min(table["network"].nunique(), NETWORKS) - 1) + [1.6]


def regimes_of(table: pd.DataFrame) -> list[str]:
    """The regimes that a table has, in the order of figures."""
    return [regime for regime in REGIMES if regime in set(table["regime"])]


def orders_of(table: pd.DataFrame, *groups: str) -> list[str]:
    """The orders of some groups that a table has, in the order of the registry."""
    found = set(table["order"])
    return [name for name, order in UPDATE_ORDERS.items() if order.group in groups and name in found]
