"""Update rules by the name of their order."""

import pkgutil
from collections.abc import Mapping
from typing import Any

from movingtarget.names import unknown
from movingtarget.training.interface import UpdateRule
from movingtarget.update_orders import ARM_RULES, UPDATE_ORDERS


def rule_of(order: str, given: Mapping[str, Any]) -> UpdateRule:
    """The update rule of an order of the study.

    Args:
        order: a key of `UPDATE_ORDERS`.
        given: what orders may want to know: "steps" of the training, which freezing and greedy training
            divide among the layers, "iterations" and "gamma" of LocoProp.

    Raises:
        ValueError: the order is unknown.
    """
    if order not in UPDATE_ORDERS:
        raise ValueError(unknown("order", order, UPDATE_ORDERS))
    entry = UPDATE_ORDERS[order]
    named: Any = pkgutil.resolve_name(entry.rule)
    if not entry.options and not entry.given:
        rule: UpdateRule = named
        return rule
    made: UpdateRule = named(**entry.options, **{name: given[name] for name in entry.given})
    return made


def rule_of_arm(name: str, given: Mapping[str, Any]) -> UpdateRule:
    """The update rule of an arm, a key of `ARM_RULES`; raises ValueError if it is not."""
    if name not in ARM_RULES:
        raise ValueError(unknown("update_rule", name, ARM_RULES))
    return rule_of(ARM_RULES[name], given)
