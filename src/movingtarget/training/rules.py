"""The orders in which layers can be moved, by name."""

from typing import Any

from movingtarget.training.freezing import freeze_in_order
from movingtarget.training.greedy import greedy
from movingtarget.training.layer_rates import lars, layer_rates
from movingtarget.training.locoprop import locoprop
from movingtarget.training.rule import UpdateRule
from movingtarget.training.sequential import recomputed, round_robin, stale_sequential
from movingtarget.training.simultaneous import simultaneous

FALL = 2.6
"""By which rates fall from layer to layer (Howard & Ruder 2018, section 3.2)."""


def rule_of(order: str, steps: int, locoprop_settings: dict[str, Any]) -> UpdateRule:
    """The update rule of an order of the study.

    Args:
        order: one of those of table update_orders.
        steps: of the training, which freezing and greedy training divide among the layers.
        locoprop_settings: iterations and gamma.

    Raises:
        ValueError: the order is unknown.
    """
    rules: dict[str, UpdateRule] = {
        "simultaneous": simultaneous,
        "stale": stale_sequential,
        "forward": recomputed("forward"),
        "backward": recomputed("backward"),
        "random": recomputed("random"),
        "fresh": recomputed("forward", fresh=True),
        "round-robin": round_robin,
        "locoprop-m": locoprop(**locoprop_settings, loss="matching"),
        "locoprop-s": locoprop(**locoprop_settings, loss="squared"),
        "smaller-early": layer_rates(FALL, reverse=False),
        "smaller-late": layer_rates(FALL, reverse=True),
        "lars": lars,
        "freeze": freeze_in_order(steps),
        "greedy": greedy(steps),
    }
    if order not in rules:
        raise ValueError(f"order '{order}' is unknown; allowed: {', '.join(rules)}")
    return rules[order]
