"""Tables of two runs: how often chance is taken for a difference, what is seen, and what may differ."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

from movingtarget.tables import MEASURED, Schema, follows
from movingtarget.verification.outcome import Outcome
from movingtarget.verification.tables import arm_keys, compare_table

PLACES = ("tried", "best", "best at an edge")
SCHEMA: Schema = {
    "network": str,
    "learning_rate": float,
    "seed": int,
    "step": int,
    "flops": follows(float),
    "value": MEASURED,
}
ARMS, SEEDS, STEPS = 7, 5, 10


def run(values: np.ndarray, **changes: float) -> pd.DataFrame:
    """A table of values `(arms, seeds, steps)`."""
    places = [
        {"network": f"arm {arm}", "learning_rate": 0.1, "seed": seed, "step": step, "flops": 1e9 * step}
        for arm, seed, step in np.ndindex(values.shape)
    ]
    return pd.DataFrame(places).assign(value=values.ravel(), **changes)


def seeds_of(random: np.random.Generator, shared: float = 0.9, arms: int = ARMS) -> np.ndarray:
    """Measurements of fresh seeds; a share of their variance is common to all steps of a seed and an arm."""
    common = random.normal(size=(arms, SEEDS, 1))
    own = random.normal(size=(arms, SEEDS, STEPS))
    return np.sqrt(shared) * common + np.sqrt(1 - shared) * own


def compared(
    reference: pd.DataFrame, new: pd.DataFrame, level: float = 0.01, schema: Schema = SCHEMA
) -> Outcome:
    return compare_table("training", schema, reference, new, level)


@pytest.mark.parametrize("shared", [0.0, 0.99])
def test_runs_that_share_nothing_are_seldom_called_different(shared: float):
    """At most one in twenty, as the level says, though one cell in twenty is outside; 100 pairs, seed 0."""
    random = np.random.default_rng(0)
    outcomes = [
        compared(run(seeds_of(random, shared)), run(seeds_of(random, shared)), level=0.05) for _ in range(100)
    ]
    assert np.mean([outcome.status == "different" for outcome in outcomes]) <= 0.05
    assert np.mean([outcome.outside / outcome.cells for outcome in outcomes]) == pytest.approx(0.05, abs=0.02)


def test_rounding_is_within():
    values = seeds_of(np.random.default_rng(0))
    outcome = compared(run(values), run(values * (1 + 1e-7)))
    assert (outcome.status, outcome.outside, outcome.cells) == ("within", 0, ARMS * STEPS)


@pytest.mark.parametrize("chaos", [0.0, 0.05])
def test_two_standard_deviations_in_one_arm_are_seen(chaos: float):
    """Though rounding moves numbers by a twentieth of what another seed would; seeds 0 to 9."""
    for seed in range(10):
        random = np.random.default_rng(seed)
        values = seeds_of(random)
        new = values + chaos * seeds_of(random)
        assert compared(run(values), run(new), level=0.05 / 75).status != "different"
        new[3] += 2 * values[3].std(axis=0, ddof=1)
        outcome = compared(run(values), run(new), level=0.05 / 75)
        assert outcome.status == "different"
        assert outcome.told.startswith("arm 3 ")


def test_two_standard_deviations_in_twenty_arms_are_seen_whatever_training_makes_of_rounding():
    """The differences of the same seeds have 0.84 of the seeds' own deviation, as measured; seeds 0 to 4."""
    for seed in range(5):
        random = np.random.default_rng(seed)
        values = seeds_of(random, arms=20)
        new = values + 0.84 * seeds_of(random, arms=20)
        assert compared(run(values), run(new), level=0.05 / 75).status == "within"
        new += 2 * values.std(axis=1, ddof=1, keepdims=True)
        assert compared(run(values), run(new), level=0.05 / 75).status == "different"


def test_a_single_measurement_is_seen():
    values = seeds_of(np.random.default_rng(0))
    new = values.copy()
    new[2, :, 4] += 3.0 * values[2, :, 4].std(ddof=1)
    outcome = compared(run(values), run(new))
    assert (outcome.status, outcome.outside) == ("different", 1)
    assert outcome.told.startswith("arm 2 4: ")


def test_the_same_is_identical():
    values = seeds_of(np.random.default_rng(0))
    values[0, 0, 0], values[0, 1, 0] = np.nan, np.inf
    assert compared(run(values), run(values)) == Outcome("table", "training", "identical")


def test_an_arm_that_is_missing_is_told():
    table = run(seeds_of(np.random.default_rng(0)))
    outcome = compared(table, table[table["network"] != "arm 6"])
    assert (outcome.status, outcome.told) == ("different", "50 rows are in one run alone")


def test_a_course_may_end_elsewhere_but_not_by_much():
    table = run(seeds_of(np.random.default_rng(0)))
    last = (table["network"] == "arm 6") & (table["step"] == STEPS - 1)
    assert compared(table, table[~last]).status == "within"
    assert compared(table, table[table["step"] < STEPS - 1]).status == "different"


def test_what_follows_from_settings_agrees():
    table = run(seeds_of(np.random.default_rng(0)))
    assert compared(table, table.assign(flops=table["flops"] * (1 + 1e-9))).status == "within"
    outcome = compared(table, table.assign(flops=table["flops"] * 1.01))
    assert outcome.status == "different"
    assert outcome.told == "flops 1.01e+09, reference 1e+09, in 315 rows"


def test_a_chosen_rate_may_be_a_step_away_and_its_arm_is_not_judged():
    values = seeds_of(np.random.default_rng(0))
    new, arm = values.copy(), slice(3, 4)
    new[arm] += 5.0
    reference, moved = run(values), run(new)
    moved.loc[moved["network"] == "arm 3", "learning_rate"] = 0.15
    outcome = compared(reference, moved)
    assert (outcome.status, outcome.outside) == ("within", STEPS)
    assert outcome.told.endswith("learning_rate 0.15, reference 0.1, in 50 rows")
    moved["learning_rate"] = 0.225
    assert compared(reference, moved).status == "different"


def test_of_a_search_what_it_chose_is_compared():
    schema: Schema = {
        "network": str,
        "learning_rate": float,
        "seed": int,
        "loss": MEASURED,
        "place": follows(PLACES),
    }
    rates, losses = [0.1, 0.15, 0.225], [1.0, 0.5, 0.7]
    rows = [
        {"network": "plain", "learning_rate": rate, "seed": seed, "loss": loss + seed / 100}
        for rate, loss in zip(rates, losses, strict=True)
        for seed in (100, 101, 102)
    ]
    table = pd.DataFrame(rows)
    best = table.assign(place=np.where(table["learning_rate"] == 0.15, "best", "tried"))
    other = table.assign(place=np.where(table["learning_rate"] == 0.225, "best", "tried"))
    assert compared(best, best.assign(loss=best["loss"] + 1e-9), schema=schema).cells == 1
    assert compared(best, other, schema=schema).status == "within"
    fewer = best[best["learning_rate"] != 0.1]
    assert compared(best, fewer, schema=schema).status == "within"


@pytest.mark.parametrize(("changed", "status"), [(1, "within"), (3, "different")])
def test_text_may_differ_in_one_of_twenty(changed: int, status: str):
    schema: Schema = {"kind": str, "seed": int, "said": follows(str)}
    table = pd.DataFrame({"kind": "deep", "seed": range(40), "said": "healthy"})
    other = table.assign(said=np.where(table["seed"] < changed, "too high", "healthy"))
    assert compared(table, other, schema=schema).status == status


def of_single_seeds(moved: int) -> pd.DataFrame:
    return pd.DataFrame({"trial": range(40), "seed": 100, "loss": np.where(np.arange(40) < moved, 1.2, 1.0)})


@pytest.mark.parametrize(("moved", "status"), [(2, "within"), (3, "different")])
def test_single_seeds_may_move_in_one_of_twenty(moved: int, status: str):
    schema: Schema = {"trial": int, "seed": int, "loss": MEASURED}
    outcome = compared(of_single_seeds(0), of_single_seeds(moved), schema=schema)
    assert (outcome.status, outcome.outside) == (status, moved)


def timed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Outcome:
    schema: Schema = {"budget": ("flops", "seconds"), "seed": int, "loss": MEASURED, "seconds": MEASURED}
    rows = [
        {"budget": budget, "seed": seed, "loss": 1.0} for budget in ("flops", "seconds") for seed in range(5)
    ]
    table = pd.DataFrame(rows).assign(seconds=3.0)
    return compared(table, change(table), schema=schema)


def test_what_is_measured_in_seconds_is_exempt():
    other: Mapping[str, np.ndarray | float] = {"loss": np.repeat([1.0, 9.0], 5), "seconds": 7.0}
    assert timed(lambda table: table.assign(**other)).status == "identical"
    assert timed(lambda table: table.assign(loss=9.0)).status == "different"
    only: Schema = {"order": str, "seed": int, "seconds": MEASURED}
    table = pd.DataFrame({"order": ["forward"], "seed": [0], "seconds": [1.0]})
    assert compared(table, table.assign(seconds=2.0), schema=only).status == "exempt"


def test_rows_may_be_told_apart_by_a_number_that_is_missing():
    schema: Schema = {"beta": float, "seed": int, "value": MEASURED}
    table = pd.DataFrame({"beta": [np.nan, 1.0] * 3, "seed": np.repeat(range(3), 2), "value": range(6)})
    assert compared(table, table.assign(value=table["value"] + 1e-12), schema=schema).cells == 2


def test_arms_are_told_apart_by_words_and_depth():
    schema: Schema = {"network": str, "depth": int, "layer": int, "quantity": ("loss",), "seed": int}
    assert arm_keys(schema) == ["network", "depth"]


def test_a_number_beyond_all_others_is_different_which_blinds_a_test():
    values = seeds_of(np.random.default_rng(0))
    wild = values.copy()
    wild[2, 3, 4] = -1e9
    found = compared(run(values), run(wild))
    assert found.status == "different"
    assert "value -1e+09, beyond 100 times any in the reference" in found.told
    assert compared(run(values * 1e-6), run(np.where(wild < -1e8, 1.0, values * 1e-6))).status == "within"
    assert compared(run(wild), run(np.where(wild < -1e8, -2e9, wild))).status == "within"
