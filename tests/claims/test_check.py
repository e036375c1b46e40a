"""Claims that make no sense are refused before a run."""

import itertools
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml
from claim_cases import CORRELATION, NORM, claim, correlation_claim, mean_claim, slope_claim
from scipy import stats

from movingtarget.claims.check import check_claims, least_seeds
from movingtarget.declarations import schemas
from movingtarget.families import FAMILIES
from movingtarget.tables import MEASURED, Column

PROJECT = Path(__file__).parents[2]
SCHEMA = PROJECT / "workflow/schemas/claims.schema.yaml"

SELECT = claim()["select"]

TABLES = ", ".join(
    table
    for table, schema in schemas().items()
    if table
    not in ("activation_patterns", "locoprop_floors", "usual_values")  # nothing measured, or no seeds
)

FAMILY_NAMES = ", ".join(FAMILIES)


def test_the_registered_claims_make_sense():
    check_claims(yaml.safe_load((PROJECT / "config/claims.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"table": "trainin"},
            rf"table is trainin \(did you mean training\?\); allowed: {TABLES}",
        ),
        ({"table": "claims"}, f"table is claims; allowed: {TABLES}"),
        ({"control": {"table": "noise"}}, f"control.table is noise; allowed: {TABLES}"),
        (
            {"select": {**SELECT, "netwrk": "plain"}},
            r"select.netwrk is no column of training \(did you mean network\?\); allowed: network, depth, .*",
        ),
        ({"treatment": {"networks": "plain"}}, "treatment.networks is no column of training .*"),
        ({"select": {**SELECT, "seed": 0}}, "select.seed is no column of .*"),
        ({"select": {**SELECT, "table": "training"}}, "select.table is no column of .*"),
        (
            {"select": {**SELECT, "quantity": "loss"}},
            r"select.quantity is 'loss' \(did you mean test_loss\?\); allowed: batch_loss, train_loss, .*",
        ),
        ({"select": {"step": "last"}}, "treatment.quantity is missing; allowed: batch_loss, train_loss, .*"),
        ({"select": {**SELECT, "depth": "ten"}}, "select.depth is 'ten'; allowed: a whole number"),
        ({"select": {**SELECT, "depth": True}}, "select.depth is True; allowed: a whole number"),
        ({"select": {**SELECT, "depth": [10, 20.0]}}, "select.depth is 20.0; allowed: a whole number"),
        (
            {"select": {**SELECT, "step": "fist"}},
            r"select.step is 'fist' \(did you mean first\?\); allowed: a whole number, first, last",
        ),
        ({"select": {**SELECT, "step": "end"}}, "select.step is 'end'; allowed: a whole number, first, last"),
        (
            {"select": {**SELECT, "learning_rate": "1e-3"}},
            "select.learning_rate is '1e-3'; allowed: a number such as 0.001 or 1.0e-3, smallest, largest",
        ),
        ({"control": {"network": 10}}, f"control.network is 10; allowed: {FAMILY_NAMES}"),
        (
            {"control": {"network": "plian"}},
            rf"control.network is 'plian' \(did you mean plain\?\); allowed: {FAMILY_NAMES}",
        ),
        ({"control": None}, "estimand is difference with treatment; allowed: mean or log_slope of .*"),
        ({"estimand": "mean"}, "estimand is mean with treatment and control; allowed: .*"),
        ({"holds_if": {"within": [2, 1]}}, r"holds_if.within is \[2, 1\]; allowed: the lower end first"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=f"^claim batch-norm-trains-faster: {message}$"):
        check_claims([claim(**changes)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"column": None},
            "column is missing, so value, which gradient_correlation has not measured; "
            "allowed: variance, covariance, correlation, gradient_norm",
        ),
        (
            {"column": "corelation"},
            r"column is corelation \(did you mean correlation\?\), which .* has not measured; allowed: .*",
        ),
        ({"column": "depth"}, "column is depth, which .* has not measured; allowed: variance, .*"),
        (
            {"table": "noise_autocorrelation"},
            "column is correlation, which noise_autocorrelation has not measured; allowed: value",
        ),
        (
            {"table": "activation_patterns"},
            rf"table is activation_patterns \(did you mean .*\?\); allowed: {TABLES}",
        ),
        (
            {"select": {**CORRELATION, "variance": 1.0}},
            "select.variance is measured in gradient_correlation, no condition; allowed: network, .*",
        ),
        ({"estimand": "log_slope"}, "select.depth is 10; allowed: a list of at least two depths .*"),
        (
            {"estimand": "log_slope", "select": {**CORRELATION, "depth": [10]}},
            r"select.depth is \[10\]; allowed: a list of at least two depths from 1 on for a log_slope",
        ),
        (
            {"estimand": "log_slope", "select": {**CORRELATION, "depth": [0, 10]}},
            r"select.depth is \[0, 10\]; allowed: .*",
        ),
        ({"estimand": "log_slope", "select": CORRELATION}, "select.depth is missing; allowed: .*"),
        (
            {"estimand": "log_slope", "select": {**CORRELATION, "depth": [10, "x"]}},
            "select.depth is 'x'; allowed: a whole number",
        ),
        (
            {"estimand": "log_slope", "treatment": {"depth": 2}},
            "estimand is log_slope with treatment; allowed: mean or log_slope of select alone, .*",
        ),
        (
            {"confound": {"table": "gradient_corelation"}},
            r"confound.table is gradient_corelation \(did you mean gradient_correlation\?\); allowed: .*",
        ),
        ({"confound": {"table": "claims"}}, "confound.table is claims; allowed: .*"),
        (
            {"confound": {"table": "looks_linear"}},
            "confound.column is missing, so gradient_norm, which looks_linear has not measured; "
            "allowed: value",
        ),
        (
            {"confound": {**NORM, "column": "norm"}},
            "confound.column is norm, which gradient_correlation has not measured; allowed: variance, .*",
        ),
        (
            {"confound": {"table": "looks_linear", "column": "value"}},
            "confound.quantity is missing; allowed: correlation, gradient_norm, jacobian_deviation",
        ),
        (
            {"confound": {**NORM, "gate": "random"}},
            r"confound.gate is no column of gradient_correlation \(did you mean gates\?\); allowed: .*",
        ),
        (
            {"confound": {**NORM, "correlation": 0.5}},
            "confound.correlation is measured in gradient_correlation, no condition; allowed: .*",
        ),
        ({"confound": {**NORM, "gates": "open"}}, "confound.gates is 'open'; allowed: random, rectifier"),
        (
            {"confound": {"table": "effective_rank", "column": "value", "quantity": "gradient_norm"}},
            "confound.network is 'feedforward'; allowed: plain, residual",
        ),
        (
            {"confound": {"table": "looks_linear", "column": "value", "quantity": "gradient_norm"}},
            "confound.network is 'feedforward'; allowed: plain, crelu, looks-linear, linear",
        ),
    ],
)
def test_a_column_slope_or_confound_that_makes_no_sense_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=f"^claim batch-norm-trains-faster: {message}$"):
        check_claims([correlation_claim(**changes)])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"confound": {**NORM, "column": "covariance", "depth": [2, 10], "network": "residual"}}, None),
        ({"kind": "check", "question": "why-so"}, None),
        ({"kind": "claim"}, "'claim' is not one of"),
        ({"kind": None}, "'kind' is a required property"),
        ({"question": "Why?"}, "'Why?' does not match"),
        ({"deviation": -1}, "-1 is less than the minimum"),
        ({"learning_rate": "best"}, "'learning_rate' was unexpected"),
        ({"estimand": "log_slopes"}, "'log_slopes' is not one of"),
        ({"column": 1}, "1 is not of type 'string'"),
        ({"columns": "value"}, "'columns' was unexpected"),
        ({"confound": {"column": "gradient_norm"}}, "'table' is a required property"),
        ({"confound": {**NORM, "column": 1}}, "1 is not of type 'string'"),
        ({"confound": {**NORM, "depth": []}}, "is not valid under any of the given schemas"),
    ],
)
def test_the_schema_knows_columns_slopes_and_confounds(changes, problem):
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    errors = [*jsonschema.Draft202012Validator(schema).iter_errors([slope_claim(**changes)])]
    assert len(errors) == (problem is not None)
    assert all(problem in error.message for error in errors)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"name": "any text", "size": 1}, None),
        ({"name": ["a", "b"], "size": [0.5, 2]}, None),
        ({"name": 10}, "select.name is 10; allowed: text"),
        ({"name": ["a", False]}, "select.name is False; allowed: text"),
        ({"size": True}, r"select.size is True; allowed: a number such as 0.001 or 1.0e-3"),
        ({"said": 1.5}, "select.said is 1.5; allowed: text"),
        ({"seed": 0}, "select.seed is no column of own; allowed: name, size, said"),
    ],
)
def test_conditions_on_text_and_numbers(conditions, message, monkeypatch):
    own = {"name": str, "size": float, "seed": int, "said": Column(str, "follows"), "value": MEASURED}
    for module in ("check", "claim"):
        monkeypatch.setattr(f"movingtarget.claims.{module}.schemas", lambda: {"own": own})
    entry = mean_claim(table="own", select=conditions)
    if message is None:
        check_claims([entry])
    else:
        with pytest.raises(ValueError, match=f"^claim batch-norm-trains-faster: {message}$"):
            check_claims([entry])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"kind": "question"},
            "question is missing, and kind is question; allowed: a question for kind question, and for no .*",
        ),
        (
            {"question": "why"},
            "question is why, and kind is paper; allowed: a question for kind question, .*",
        ),
        ({"kind": "check", "question": "why"}, "question is why, and kind is check; allowed: .*"),
        (
            {"deviation": 0.1},
            "deviation is 0.1; allowed: a number with holds_if.within, and with nothing else",
        ),
        ({"holds_if": {"above": 0}, "deviation": 0}, "deviation is 0; allowed: .*"),
        (
            {"holds_if": {"within": [0, 1]}, "deviation": None},
            "deviation is missing; allowed: a number with holds_if.within, and with nothing else",
        ),
        (
            {"holds_if": {"within": [0, 0.2]}, "deviation": 0.1},
            r"seeds is 5; allowed: 7 or more to decide on \[0, 0.2\], "
            "for an interval that fits into it with a deviation of 0.1 over seeds",
        ),
        (
            {"holds_if": {"within": [1, 1]}, "deviation": 0.1},
            r"holds_if.within is \[1, 1\]; allowed: a wider region, "
            "for an interval that fits into it with a deviation of 0.1 over seeds",
        ),
        ({"holds_if": {"within": [0, 1]}, "seeds": 4}, "seeds is 4; allowed: 5 or more .*"),
    ],
)
def test_a_kind_or_region_that_makes_no_sense_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=f"^claim batch-norm-trains-faster: {message}$"):
        check_claims([claim(**changes)])


def test_claims_of_one_question_need_more_seeds_than_one_alone():
    """7 seeds are enough for one, 10 for one of four."""
    regions = {"holds_if": {"within": [0, 0.2]}, "deviation": 0.1, "kind": "question", "seeds": 9}
    four = [claim(id=f"claim-{place}", question="why", **regions) for place in range(4)]
    apart = [entry | {"question": entry["id"]} for entry in four]
    check_claims(apart)
    check_claims([entry | {"seeds": 10} for entry in four])
    with pytest.raises(ValueError, match=r"^claim claim-0: seeds is 9; allowed: 10 or more"):
        check_claims(four)


@pytest.mark.parametrize("tests", [1, 3, 10])
@pytest.mark.parametrize("ratio", [0.5, 1.9, 8.0])
def test_the_least_seeds_are_those_that_a_loop_finds(tests, ratio):
    def width(seeds: int) -> float:
        return 2 * stats.t.ppf(1 - 0.05 / 2 / tests, seeds - 1) / seeds**0.5

    found = least_seeds(ratio * 3, 3, tests)
    assert found == next(seeds for seeds in itertools.count(5) if width(seeds) <= ratio)


def test_the_least_seeds_are_five_or_out_of_reach():
    assert least_seeds(0, 0) == least_seeds(1e9, 1, tests=100) == 5
    assert least_seeds(0, 1e-9) == least_seeds(1, 40) == np.inf


def test_an_id_used_twice_is_refused():
    with pytest.raises(
        ValueError, match="claim batch-norm-trains-faster: id is used twice; allowed: an id of "
    ):
        check_claims([claim(), claim(estimand="ratio")])
