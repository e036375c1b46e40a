"""Names and looks of update orders, and the rates they stand at."""

import numpy as np
import pandas as pd
import pytest

from movingtarget.drawing.style import LOOKS
from movingtarget.drawing.update_orders import ORDER_LOOKS, ORDER_NAMES, RECOMPUTED, REMEDIES, at_best_rates
from movingtarget.tables import ORDER

KNOWN = list(ORDER["order"])


def test_every_order_has_a_name_and_a_look_of_its_own():
    assert list(ORDER_NAMES) == list(ORDER_LOOKS) == KNOWN
    assert len(set(ORDER_NAMES.values())) == len(KNOWN)
    for key in ("color", "marker"):
        assert len({look[key] for look in ORDER_LOOKS.values()}) == len(KNOWN)
    assert ORDER_LOOKS["locoprop-m"] == LOOKS["locoprop"]


@pytest.mark.parametrize("group", [RECOMPUTED, REMEDIES])
def test_lines_of_one_figure_differ_without_their_colour(group):
    assert len({ORDER_LOOKS[order]["marker"] for order in group}) == len(group)


def test_the_groups_hold_every_order_but_the_control_and_share_what_they_are_compared_with():
    assert sorted([*RECOMPUTED, *REMEDIES, "stale"]) == sorted([*KNOWN, "simultaneous"])
    assert RECOMPUTED[0] == REMEDIES[0] == "simultaneous"


def test_each_arm_stands_at_its_own_best_rate():
    last = {  # of each order and budget, by rate
        ("lars", "flop"): {0.1: 2.0, 0.3: 1.0},
        ("lars", "sweep"): {0.1: 1.0, 0.3: 2.0},
        ("greedy", "flop"): {0.1: 2.0, 0.3: np.nan},
    }
    rows = [
        {"order": order, "budget": budget, "learning_rate": rate, "seed": 0, "step": 9, "train_loss": loss}
        for (order, budget), losses in last.items()
        for rate, loss in losses.items()
    ]
    best = at_best_rates(pd.DataFrame(rows), "order", "budget").set_index(["order", "budget"])
    assert best["learning_rate"].to_dict() == {
        ("lars", "flop"): 0.3,
        ("lars", "sweep"): 0.1,
        ("greedy", "flop"): 0.1,
    }
