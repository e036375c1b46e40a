"""Small synthetic tables."""

from drawing_cases import (
    block_curvature,
    information,
    layered,
    moving_target,
    noise,
    noise_on_a_line,
    on_a_line,
    quantities_by_seed,
    training,
    training_search,
    update_order_budgets,
    update_orders,
)

__all__ = [
    "block_curvature",
    "information",
    "layered",
    "moving_target",
    "noise",
    "noise_on_a_line",
    "on_a_line",
    "quantities_by_seed",
    "training",
    "training_search",
    "update_order_budgets",
    "update_orders",
]
