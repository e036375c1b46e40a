"""Claims of two runs."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from movingtarget.claims.judge import by_seed, judge
from movingtarget.verification.claims import compare_claim, measured_in_seconds
from movingtarget.verification.outcome import Outcome

CLAIM: dict[str, Any] = {
    "id": "residual-is-ahead",
    "kind": "check",
    "paper": "he2015",
    "place": "figure 1",
    "statement": "It is ahead.",
    "table": "layer_gradients",
    "estimand": "difference",
    "select": {"activation": "relu", "depth": 10, "layer": 1},
    "treatment": {"network": "residual"},
    "control": {"network": "plain"},
    "holds_if": {"above": 0.0},
    "seeds": 5,
    "scale": "smoke",
}
SEEDS = np.array([0.9, 1.0, 1.2, 1.1, 0.8])


def table(ahead: np.ndarray) -> pd.DataFrame:
    arms = {"residual": 3.0 + ahead, "plain": np.full(len(ahead), 3.0)}
    rows = [
        {"activation": "relu", "network": network, "depth": 10, "seed": seed, "layer": 1, "value": value}
        for network, values in arms.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def verdict(rows: pd.DataFrame, claim: dict[str, Any]) -> dict[str, Any]:
    (row,) = judge([claim], {"layer_gradients": rows}, "default").to_dict("records")
    return {str(key): value for key, value in row.items()}


def compared(reference: np.ndarray, new: np.ndarray, claim: dict[str, Any] = CLAIM) -> Outcome:
    old, other = table(reference), table(new)
    reads = (lambda name: old), (lambda name: other)
    return compare_claim(claim, (verdict(old, claim), verdict(other, claim)), reads, 0.01)


def test_the_same_is_identical():
    assert compared(SEEDS, SEEDS) == Outcome("claim", "residual-is-ahead", "identical")


def test_rounding_is_within_and_two_standard_deviations_are_not():
    assert compared(SEEDS, SEEDS + 1e-6).status == "within"
    outcome = compared(SEEDS, SEEDS + 2 * SEEDS.std(ddof=1))
    assert (outcome.status, outcome.outside) == ("different", 1)
    assert outcome.told.startswith("1.32 [")
    assert ", reference 1 [" in outcome.told


def test_a_changed_verdict_is_told_and_a_contrary_one_is_different():
    spread = np.array([-1.0, 1.0, 2.0, -2.0, 0.0])
    outcome = compared(2.5 + spread, 1.5 + 2 * spread)
    assert outcome.status == "within"
    assert outcome.told.endswith("; verdict inconclusive, reference reproduced")
    contrary = compared(2.5 + spread, 0.1 * spread - 1.0)
    assert contrary.status == "different"
    assert contrary.told.endswith("; verdict not reproduced, reference reproduced")


def test_seeds_that_are_missing_are_different():
    outcome = compared(SEEDS, SEEDS[:3])
    assert outcome.status == "different"
    assert outcome.told.startswith("3 seeds, reference 5; ")


@pytest.mark.parametrize(
    "changes",
    [
        {"table": "locoprop_gaps", "select": {"budget": "seconds"}},
        {"table": "update_order_budgets", "select": {"budget": ["flop", "long-second"]}},
        {"table": "update_order_times", "column": "seconds"},
    ],
)
def test_claims_on_seconds_are_exempt(changes: dict[str, Any]):
    claim = {**CLAIM, **changes}
    assert measured_in_seconds(claim)
    assert compare_claim(claim, ({}, {}), (lambda name: table(SEEDS),) * 2, 0.01).status == "exempt"
    assert not measured_in_seconds(CLAIM)


def test_a_seed_says_of_a_difference_its_own_and_of_a_ratio_its_pseudo_value():
    rows = {"layer_gradients": table(SEEDS)}
    assert by_seed(CLAIM, rows) == pytest.approx(SEEDS)
    ratio = by_seed({**CLAIM, "estimand": "ratio"}, rows)
    without_first = 1 + SEEDS[1:].mean() / 3
    assert ratio[0] == pytest.approx(5 * (1 + SEEDS.mean() / 3) - 4 * without_first)


def test_of_a_single_seed_and_of_none():
    assert by_seed(CLAIM, {"layer_gradients": table(SEEDS[:1])}) == pytest.approx(SEEDS[:1])
    assert (
        len(by_seed({**CLAIM, "treatment": {"network": "batch-norm"}}, {"layer_gradients": table(SEEDS)}))
        == 0
    )


def test_another_verdict_on_equal_numbers_is_different():
    ahead = np.linspace(0.1, 0.3, 10)
    rows = table(ahead)
    honest = verdict(rows, CLAIM)
    for change in ({"verdict": "inconclusive"}, {"estimate": honest["estimate"] + 1}):
        found = compare_claim(CLAIM, (honest, honest | change), (lambda _: rows, lambda _: rows), 0.05)
        assert found.status == "different"
        assert found.told.endswith("from equal tables")
    nearly = honest | {"estimate": honest["estimate"] * (1 + 1e-12)}
    assert compare_claim(CLAIM, (honest, nearly), (lambda _: rows, lambda _: rows), 0.05).status == "within"
