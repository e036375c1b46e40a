"""From tables to what the report's placeholders stand for."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from movingtarget.report.moving_target import REGIMES, edges
from movingtarget.report.prose import VERDICTS
from movingtarget.report.sentences import found_for
from movingtarget.report.values import (
    arms_table,
    costs_by_rule,
    counts,
    degraded,
    healed,
    healing_table,
    prediction,
)

CLAIM: dict[str, Any] = {"statement": "It is so.", "paper": "he2015", "place": "figure 1"}
CLAIM |= {"kind": "question", "question": "is-it-so", "confidence": 0.975}


def test_an_arm_stands_at_the_rate_that_was_chosen_with_its_cost():
    """At the last step; of two arms, one was best at an edge of the rates tried."""
    rows = [
        {"depth": depth, "step": step, "quantity": quantity, "value": value * (10 - step), "seed": seed}
        for depth in (3, 2)
        for step in (5, 9)
        for quantity, value in {"train_loss": 0.2, "test_accuracy": 0.9, "diverged": 0.0}.items()
        for seed in range(3)
    ]
    table = pd.DataFrame(rows).assign(network="plain", update_rule="sgd", learning_rate=0.1234)
    table = table.assign(gradient_evaluations=table["step"] * 1.0, flops=table["step"] * 10.0)
    table.loc[(table["quantity"] == "diverged") & (table["seed"] == 1), "value"] = 1.0
    search = pd.DataFrame(
        {"network": "plain", "depth": [3, 3, 2, 2], "update_rule": "sgd"}
        | {"place": ["tried", "best", "best at an edge", "tried"]}
    )
    deep, shallow = arms_table(table, search).to_dict("records")
    assert (deep["depth"], deep["learning_rate"]) == (3, "0.123")
    assert (shallow["depth"], shallow["learning_rate"]) == (2, "0.123 (at an edge)")
    assert deep["train_loss"].startswith("0.200\N{NO-BREAK SPACE}[")
    assert deep["test_accuracy"].startswith("90.0\N{NO-BREAK SPACE}[")
    assert deep["diverged"] == "1 of 3"
    assert (deep["gradient_evaluations"], deep["flops"]) == (9, 90.0)
    assert [row["learning_rate"] for row in arms_table(table, search[:2]).to_dict("records")] == ["0.123"] * 2


def test_costs_are_summed_by_rule_and_memory_is_the_largest():
    jobs = pd.DataFrame(
        {"rule": ["train", "train", "judge"], "seconds": [2.0, 3.0, 1.0], "memory": [10.0, np.nan, 5.0]}
    )
    train, judge = costs_by_rule(jobs).to_dict("records")
    assert train == {"rule": "train", "jobs": 2, "seconds": 5.0, "memory": 10.0}
    assert judge["rule"] == "judge"


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["reproduced"] * 3, "it is so for plain, residual and linear"),
        (
            ["reproduced", "not reproduced", "inconclusive"],
            "it is so for plain; it is not so for residual; it stays open for linear",
        ),
        (
            ["inconclusive", "not reproduced", "inconclusive"],
            "it is not so for residual; it stays open for plain and linear",
        ),
        (
            ["reproduced", "undefined", "missing"],
            "it is so for plain; it stays open for linear; it is undefined for residual",
        ),
    ],
)
def test_every_combination_of_verdicts_over_arms_has_words(verdicts: list[str], expected: str):
    """Undefined is what was measured and has no value; what was not measured stays open."""
    claims = {
        name: CLAIM
        | {"verdict": verdict if verdict in VERDICTS else "inconclusive"}
        | {"estimate": 0.5 if verdict in VERDICTS else np.nan, "seeds": 0 if verdict == "missing" else 5}
        for name, verdict in zip("abc", verdicts, strict=True)
    }
    names = dict(zip(["plain", "residual", "linear"], "abc", strict=True))
    assert found_for(claims, names) == expected


def test_claims_of_papers_alone_are_counted_by_verdict():
    kinds = {"paper": ["reproduced", "reproduced", "inconclusive"], "check": ["reproduced"]}
    kinds["question"] = ["not reproduced", "reproduced", "inconclusive", "inconclusive"]
    claims = pd.DataFrame(
        [
            CLAIM | {"kind": kind, "verdict": verdict}
            for kind, verdicts in kinds.items()
            for verdict in verdicts
        ]
    )
    claims.loc[1, "paper"] = "ioffe2015"
    claims.loc[[5, 6], "question"] = "why"
    assert counts(claims) == {
        **{"reproduced": 2, "not reproduced": 0, "inconclusive": 1},
        **{"claims": 3, "papers": 2, "tests": 4, "questions": 2},
    }


def test_healing_sets_the_first_step_beside_the_last():
    values = {
        ("correlation", 0): 0.1,
        ("correlation", 9): 0.4,
        ("gradient_norm", 0): 2.0,
        ("gradient_norm", 9): 3.0,
    }
    rows = [
        {"network": "plain", "depth": 3, "seed": seed, "step": step, "quantity": quantity, "value": value}
        for (quantity, step), value in values.items()
        for seed in range(3)
    ]
    table = pd.DataFrame(rows)
    (row,) = healing_table(table).to_dict("records")
    assert row["first"].startswith("0.1")
    assert row["last"].startswith("0.4")
    assert (row["norm_first"], row["norm_last"]) == ("2.0", "3.0")
    assert healed(table) == "1 of 1"
    assert healed(pd.concat([table, table.assign(depth=5, value=1.0)])) == "1 of 2"
    rounding = table.assign(depth=5, value=1.0 - 1e-9 * (table["step"] == 0))
    assert healed(pd.concat([table, rounding])) == "1 of 2"
    scattered = table.assign(depth=5, value=table["value"] + (table["step"] == 9) * (table["seed"] - 1))
    assert healed(pd.concat([table, scattered])) == "1 of 2"


def errors_of(network: str, depth: int, *by_epoch: float) -> pd.DataFrame:
    rows = [
        {"network": network, "depth": depth, "seed": seed, "step": 10 * epoch, "value": error}
        for epoch, error in enumerate(by_epoch)
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows).assign(quantity="lowest_error")


def test_networks_that_were_cut_short_are_named_and_residual_ones_may_fit_all():
    idle = errors_of("plain", 10, 0.9, 0.5, 0.5, 0.5)
    falling = errors_of("batch-norm", 24, 0.9, 0.8, 0.7, 0.6)
    done = errors_of("residual", 50, 0.9, 0.5, 0.1, 0.0)
    table = pd.concat([idle, falling, done])
    assert degraded(table, 2) == {"cut_short": ["batch norm at 24 layers"], "residual_fits": True}
    assert degraded(pd.concat([idle, errors_of("residual", 10, 0.9, 0.1)]), 2)["residual_fits"] is False
    one_seed = falling["seed"] == 0
    slow = falling.assign(value=falling["value"].where(one_seed | (falling["step"] < 20), 0.8))
    assert degraded(slow, 1)["cut_short"] == ["batch norm at 24 layers"]
    assert degraded(idle, 9)["cut_short"] == ["plain at 10 layers"]
    assert degraded(table.iloc[:0], 2) == {"cut_short": [], "residual_fits": False}


def speed_of(steps) -> pd.DataFrame:
    """Arms whose gradients' correlation rises with depth and whose norm says nothing."""
    rows = [
        {"network": "plain", "depth": depth, "seed": seed, "correlation": depth / 20, "steps": steps(depth)}
        | {"gradient_norm": float(depth * 7 % 11)}
        for depth in range(1, 13)
        for seed in range(2)
    ]
    return pd.DataFrame(rows)


def test_correlation_that_orders_the_steps_foretells_them():
    found = prediction(speed_of(lambda depth: 100.0 - depth if depth > 2 else np.inf))
    assert (found["arms"], found["reached"]) == (12, 10)
    assert found["correlation"].startswith("\N{MINUS SIGN}0.99")
    assert found["excludes_zero"]


def test_correlation_that_says_nothing_does_not():
    found = prediction(speed_of(lambda depth: float(depth * 5 % 13 % 7)))
    assert not found["excludes_zero"]


def test_arms_at_an_edge_of_the_rates_are_named():
    places = {"forward": "best", "lars": "best at an edge", "fresh": "tried"}
    search = pd.DataFrame({"order": [*places], "place": [*places.values()]})
    search = search.assign(regime="minibatch", network="plain")
    assert edges(search) == [f"LARS on plain ({REGIMES['minibatch']})"]
    assert edges(search[search["order"] != "lars"]) == []
