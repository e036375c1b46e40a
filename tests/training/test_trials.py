"""The same trials for every method, and which of them lie at an edge."""

import math
from typing import Any

import numpy as np
import pytest

from movingtarget.methods import DECADES, METHODS
from movingtarget.training.trials import Trial, at_edges, rule_of_method, trials_of


def coordinates(method: str, count: int) -> tuple[list[float], list[float]]:
    """Where a method's trials lie in their ranges, from 0 to 1."""
    entry, trials = METHODS[method], trials_of(method, count)
    rates = [
        math.log10(trial.learning_rate / entry.learning_rate) / DECADES["learning_rate"] + 0.5
        for trial in trials
    ]
    if not entry.searched:
        return rates, []
    values = [1 - trial.value if entry.searched.one_minus else trial.value for trial in trials]
    return rates, [math.log10(value / entry.searched.middle) / DECADES["other"] + 0.5 for value in values]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [4, 16])
def test_trials_fill_the_range_evenly_in_each_setting(method: str, count: int) -> None:
    rates, values = coordinates(method, count)
    cells = (np.arange(count) + 0.5) / count
    np.testing.assert_allclose(sorted(rates), cells, atol=1e-3)
    if METHODS[method].searched:
        np.testing.assert_allclose(sorted(values), cells, atol=1e-3)


def test_all_methods_are_tried_at_the_same_places() -> None:
    expected = coordinates("adam", 16)
    for method, entry in METHODS.items():
        rates, values = coordinates(method, 16)
        np.testing.assert_allclose(rates, expected[0], atol=1e-3)
        np.testing.assert_allclose(values, expected[1] if entry.searched else [], atol=1e-3)


def test_pairs_of_settings_are_spread_over_the_square() -> None:
    rates, values = coordinates("locoprop-m", 16)
    assert len({(int(rate * 4), int(value * 4)) for rate, value in zip(rates, values, strict=True)}) == 16


def test_a_method_with_a_rate_alone_has_no_other_value() -> None:
    assert all(math.isnan(trial.value) for trial in trials_of("sgd", 8))


@pytest.mark.parametrize("count", [0, 3, 12, -2])
def test_a_count_that_is_no_power_of_two_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"trials is {count}; allowed: a power of 2"):
        trials_of("sgd", count)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match=r"method 'adamm' is unknown \(did you mean adam\?\)"):
        trials_of("adamm", 4)


@pytest.mark.parametrize(
    ("best", "edges"),
    [
        (Trial(0.1, 2.0), ["learning_rate"]),
        (Trial(0.2, 1.0), ["value"]),
        (Trial(0.3, 3.0), ["learning_rate", "value"]),
        (Trial(0.2, 2.0), []),
    ],
)
def test_an_edge_is_the_lowest_or_highest_tried(best: Trial, edges: list[str]) -> None:
    tried = [Trial(0.1, 2.0), Trial(0.2, 1.0), Trial(0.3, 3.0), Trial(0.2, 2.0)]
    assert at_edges(tried, best) == edges


def test_what_is_not_searched_has_no_edge() -> None:
    tried = trials_of("sgd", 4)
    assert at_edges(tried, sorted(tried)[1]) == []
    assert at_edges(tried, sorted(tried)[0]) == ["learning_rate"]


def test_a_rule_is_made_with_what_is_searched_given_and_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def maker(**arguments: Any) -> str:
        seen.append(arguments)
        return "rule"

    monkeypatch.setattr("movingtarget.training.trials.pkgutil.resolve_name", lambda name: maker)
    assert rule_of_method("locoprop-s", 7.0, {"iterations": 3, "more": 1}) == "rule"
    assert rule_of_method("k-fac", 0.5, {"iterations": 3, "renewal_steps": 4}) == "rule"
    assert seen == [{"loss": "squared", "iterations": 3, "gamma": 7.0}, {"damping": 0.5, "renewal_steps": 4}]
