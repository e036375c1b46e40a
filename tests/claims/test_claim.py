"""What a claim says of its arms, and what tables allow it to say."""

import pytest
from claim_cases import CORRELATION, NORM, claim, correlation_claim, mean_claim, slope_claim

from movingtarget.claims.claim import (
    arms,
    conditioned,
    confounds,
    families,
    family_of,
    is_word,
    listed,
    measured_of,
)
from movingtarget.declarations import schemas
from movingtarget.tables import columns


def test_both_arms_share_what_is_selected():
    shared = {"quantity": "train_loss", "step": "last", "depth": 10}
    assert arms(claim()) == {
        "treatment": ("training", shared | {"network": "batch-norm"}),
        "control": ("training", shared | {"network": "plain"}),
    }


def test_an_arms_own_table_and_conditions_come_first():
    entry = claim(
        select={"lag": 1, "depth": 10},
        table="gradient_autocorrelation",
        treatment={"depth": 50},
        control={"table": "noise_autocorrelation", "noise": "white", "lag": 2},
    )
    assert arms(entry) == {
        "treatment": ("gradient_autocorrelation", {"lag": 1, "depth": 50}),
        "control": ("noise_autocorrelation", {"lag": 2, "depth": 10, "noise": "white"}),
    }
    assert entry["select"] == {"lag": 1, "depth": 10}


@pytest.mark.parametrize("entry", [mean_claim(), slope_claim()])
def test_select_alone_is_an_arm(entry):
    assert arms(entry) == {"select": (entry["table"], entry["select"])}


def test_a_confound_has_the_conditions_that_its_table_knows_and_its_own():
    entry = correlation_claim(confound=NORM | {"column": "variance", "depth": 2, "gates": "random"})
    assert confounds(entry) == [{**CORRELATION, "depth": 2, "gates": "random"}]
    entry = claim(confound={"table": "learning_speed"})
    assert confounds(entry) == [{"depth": 10, "network": "batch-norm"}, {"depth": 10, "network": "plain"}]


def test_an_arm_of_which_the_table_knows_no_condition_has_no_confound():
    entry = claim(
        table="gradient_autocorrelation",
        select={"lag": 1},
        treatment={"depth": 50},
        control={"table": "noise_autocorrelation", "noise": "white"},
        confound=NORM | {"gates": "random"},
    )
    assert confounds(entry) == [{"depth": 50, "gates": "random"}, None]


def test_claims_of_one_question_belong_together_and_any_other_stands_alone():
    entries = [
        mean_claim(id="why"),
        mean_claim(id="one", kind="question", question="why"),
        mean_claim(id="two", kind="question", question="how"),
        mean_claim(id="three", kind="question", question="why"),
        mean_claim(id="how", kind="check"),
    ]
    together = [[entry["id"] for entry in members] for members in families(entries).values()]
    assert together == [["why"], ["one", "three"], ["two"], ["how"]]
    assert [families(entries)[family_of(entry)].count(entry) for entry in entries] == [1] * 5


@pytest.mark.parametrize("table", schemas())
def test_conditions_name_columns_that_are_not_measured(table):
    measured, named = measured_of(table), conditioned(table)
    assert sorted([*measured, *named]) == sorted({*schemas()[table]} - {"seed"})
    assert all(columns(schemas()[table])[column].role == "measured" for column in measured)
    assert all(columns(schemas()[table])[column].kind == kind for column, kind in named.items())


def test_what_is_measured_is_what_it_was_when_claims_were_registered():
    several = {
        "gradient_correlation": ["variance", "covariance", "correlation", "gradient_norm"],
        "learning_speed": ["correlation", "gradient_norm", "steps"],
        "update_orders": ["train_loss", "test_accuracy"],
        "update_order_budgets": ["train_loss", "test_accuracy"],
        "update_order_times": ["seconds"],
        "remedies": ["train_loss", "test_accuracy"],
        "large_batch": ["train_loss", "test_accuracy"],
        "fine_tuning_search": ["error"],
        "fault_detection": ["said", "problem", "detected", "alarmed"],
        "usual_values": ["low", "middle", "high"],
        "peer_detection": ["said", "problem", "detected", "alarmed"],
        "activation_patterns": [],
        "locoprop_trials": ["train_loss"],
        "locoprop_finalists": ["full_loss"],
        "locoprop_search": ["train_loss", "full_loss"],
        "locoprop": ["train_loss", "test_loss", "train_squared_error"],
        "locoprop_released": ["train_loss", "test_loss", "train_squared_error"],
        "locoprop_horizons": ["train_loss", "test_loss"],
        "locoprop_budgets": ["train_loss", "test_loss"],
        "locoprop_costs": ["seconds"],
        "locoprop_floors": [],
        "locoprop_reconstructions": ["reconstruction"],
        "local_iterations": ["train_loss"],
        "mutual_information": ["value", "ceiling"],
        "initial_information": [
            *("information", "steps", "test_accuracy", "train_loss", "reached", "scale"),
        ],
        "estimator_accuracy": ["value", "relative", "ceiling", "saturated"],
    }
    found = {table: measured_of(table) for table in schemas()}
    searches = {table: ["train_loss"] for table in schemas() if table.endswith("_search")}
    several = searches | several
    assert found == {table: several.get(table, ["value"]) for table in schemas()}
    assert set(several) < set(found)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("step", "first", True),
        ("step", "last", True),
        ("learning_rate", "smallest", True),
        ("learning_rate", "largest", True),
        ("step", "smallest", False),
        ("depth", "first", False),
        ("step", 3, False),
        ("step", ["first"], False),
        ("quantity", "last", False),
    ],
)
def test_words_name_an_extreme_in_their_own_column(column, value, expected):
    assert is_word(column, value) is expected


@pytest.mark.parametrize(("value", "expected"), [(1, [1]), ([1, 2], [1, 2]), ("plain", ["plain"]), ([], [])])
def test_a_condition_lists_its_values(value, expected):
    assert listed(value) == expected
