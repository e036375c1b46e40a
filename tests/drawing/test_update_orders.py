"""Which update orders figures show together."""

import pytest

from movingtarget.drawing.style import LOOKS
from movingtarget.drawing.update_orders import RECOMPUTED, REMEDIES
from movingtarget.update_orders import UPDATE_ORDERS


def test_locoprop_looks_as_it_does_beside_families():
    assert UPDATE_ORDERS["locoprop-m"].look == LOOKS["locoprop"]


@pytest.mark.parametrize("group", [RECOMPUTED, REMEDIES])
def test_lines_of_one_figure_differ_without_their_colour(group):
    assert len({UPDATE_ORDERS[order].look["marker"] for order in group}) == len(group)


def test_the_groups_hold_every_order_but_the_control_and_share_what_they_are_compared_with():
    assert sorted([*RECOMPUTED, *REMEDIES, "stale"]) == sorted([*UPDATE_ORDERS, "simultaneous"])
    assert RECOMPUTED[0] == REMEDIES[0] == "simultaneous"
