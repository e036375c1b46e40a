"""Names and looks of update orders."""

from dataclasses import replace

import pytest

from movingtarget.declarations import schemas
from movingtarget.update_orders import ARM_RULES, UPDATE_ORDERS


def test_every_order_has_a_name_and_a_look_of_its_own():
    assert tuple(UPDATE_ORDERS) == schemas()["update_orders"]["order"]
    assert len({order.title for order in UPDATE_ORDERS.values()}) == len(UPDATE_ORDERS)
    for key in ("color", "marker"):
        assert len({order.look[key] for order in UPDATE_ORDERS.values()}) == len(UPDATE_ORDERS)


@pytest.mark.parametrize("order", UPDATE_ORDERS.values(), ids=list(UPDATE_ORDERS))
def test_what_an_order_is_made_of_says_nothing_of_figures_and_tells_it_from_others(order):
    assert replace(order, title="another", look={}, group="control").made_of == order.made_of
    assert [other.made_of for other in UPDATE_ORDERS.values()].count(order.made_of) == 1


def test_arms_name_orders_that_there_are():
    assert set(ARM_RULES.values()) <= set(UPDATE_ORDERS)
