import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingtarget.training.tuning import FINEST, Search, search, search_rows


def parabola(minimum):
    return lambda rates: [[np.log(rate / minimum) ** 2 + shift for shift in (0.0, 0.1)] for rate in rates]


@given(st.floats(1e-4, 10.0))
def test_best_lies_within_the_finest_factor_of_the_minimum(minimum):
    found = search(parabola(minimum), [0.02, 0.045, 0.1])
    assert not found.at_edge
    assert abs(np.log(found.best / minimum)) <= np.log(FINEST) / 2 + 0.01


@given(st.floats(1e-4, 10.0))
def test_neighbours_of_the_best_are_tried_on_both_sides(minimum):
    found = search(parabola(minimum), [0.02, 0.2])
    rates = list(found.losses)
    place = rates.index(found.best)
    ratios = [found.best / rates[place - 1], rates[place + 1] / found.best]
    assert rates == sorted(rates)
    assert max(ratios) <= FINEST * 1.005


def test_each_rate_is_tried_once():
    tried = []

    def losses_at(rates):
        tried.extend(rates)
        return parabola(0.3)(rates)

    found = search(losses_at, [0.01, 0.1])
    assert sorted(tried) == list(found.losses)
    assert len(set(tried)) == len(tried)


def test_a_diverged_seed_makes_a_rate_infinite():
    found = search(lambda rates: [[-rate, np.nan if rate > 0.1 else -rate] for rate in rates], [0.05, 0.1])
    assert 0.1 / FINEST < found.best <= 0.1
    assert all(
        np.isinf(losses).tolist() == [False, True] for rate, losses in found.losses.items() if rate > 0.1
    )


def test_a_search_that_never_ends_says_so():
    found = search(lambda rates: [[-rate] for rate in rates], [0.1])
    assert found.at_edge
    assert found.best == max(found.losses) == pytest.approx(0.1 * FINEST**16, rel=1e-2)


def test_where_all_diverge_lower_rates_are_tried():
    found = search(lambda rates: [[np.inf] for _ in rates], [0.1])
    assert found.at_edge
    assert found.best == min(found.losses) < 0.1 / FINEST**15


def test_rows_name_the_best():
    found = Search(0.1, {0.1: np.array([0.5, 0.7]), 0.3: np.array([np.inf, 0.2])}, at_edge=False)
    rows = search_rows(found, [100, 101], network="plain")
    assert rows["place"].tolist() == ["best", "best", "tried", "tried"]
    assert rows["train_loss"].tolist() == [0.5, 0.7, np.inf, 0.2]
    assert rows["seed"].tolist() == [100, 101] * 2
    assert set(rows["network"]) == {"plain"}
