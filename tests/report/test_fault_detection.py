"""What the report says of faults, on a small table with known answers."""

from typing import Any

import pandas as pd
import pytest

from movingtarget.faults import FAULTS
from movingtarget.report.fault_detection import (
    detections_table,
    fault_values,
    harmless,
    missed,
    peers_cases,
    problems_table,
)

HIGH, FROZEN = FAULTS["rate-too-high"].title, FAULTS["layer-frozen"].title


@pytest.fixture
def found() -> pd.DataFrame:
    rows = [
        ("perceptron", "none", 0, "nothing", 0, 0),
        ("perceptron", "none", 1, "rate-too-low", 0, 1),
        ("perceptron", "rate-too-high", 0, "rate-too-high, loss-summed", 1, 1),
        ("perceptron", "rate-too-high", 1, "rate-too-high", 1, 0),
        ("perceptron", "layer-frozen", 0, "nothing", 0, 0),
        ("perceptron", "layer-frozen", 1, "nothing", 0, 0),
    ]
    columns = ["kind", "fault", "seed", "said", "detected", "alarmed"]
    return pd.DataFrame(rows, columns=columns).assign(tool="probe", problem="none")


@pytest.fixture
def harm() -> pd.DataFrame:
    values = {("perceptron", "none"): 0.7, ("perceptron", "rate-too-high"): 0.1}
    values |= {("perceptron", "layer-frozen"): 0.66, ("convnet", "none"): 0.9}
    return pd.DataFrame(
        [(*arm, 0, value) for arm, value in values.items()], columns=["kind", "fault", "seed", "value"]
    )


def by_fault(table: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    return {row["fault"]: row for row in table.to_dict("records")}


def test_a_row_for_each_fault_with_what_it_costs(found: pd.DataFrame, harm: pd.DataFrame) -> None:
    other = found[found["fault"] == "rate-too-high"].assign(tool="torchdiag", detected=[0.0, 1.0])
    table = by_fault(detections_table(pd.concat([found, other]), harm))
    high, healthy = table[HIGH], table["none: any warning"]
    assert (high["without"], high["with"]) == ("70", "10")  # of the kinds that have it
    assert high["probe"].startswith("100\N{NO-BREAK SPACE}[34,")
    assert high["torchdiag"].startswith("50\N{NO-BREAK SPACE}[")
    assert table[FROZEN]["torchdiag"] == "\N{EN DASH}"
    assert healthy["probe"].startswith("50\N{NO-BREAK SPACE}[")
    assert (healthy["without"], healthy["with"]) == ("80", "\N{EN DASH}")


def test_a_fault_that_no_kind_had_costs_nothing_that_is_known(
    found: pd.DataFrame, harm: pd.DataFrame
) -> None:
    row = by_fault(detections_table(found, harm))[FAULTS["softmax-twice"].title]
    assert (row["without"], row["with"], row["probe"]) == ("\N{EN DASH}",) * 3


def test_what_does_no_harm_and_what_is_missed(found: pd.DataFrame, harm: pd.DataFrame) -> None:
    assert harmless(harm) == missed(found) == [f"{FROZEN} (perceptron)"]


def test_the_networks_that_others_were_given_are_named(found: pd.DataFrame, harm: pd.DataFrame) -> None:
    others = pd.concat([found, found.assign(kind="convnet", seed=0)]).assign(tool="cockpit")
    assert peers_cases(others) == "perceptron (2 seeds); convnet, batch norm (1 seed)"
    assert peers_cases(found[:0]) == ""
    tables = {"fault_detection": found, "fault_harm": harm, "peer_detection": others}
    values = fault_values(tables)
    assert values["peers_cases"] == peers_cases(others)
    assert values["kinds"] == "perceptron; convnet, batch norm"


def test_problems_are_counted_by_tool_and_kind(found: pd.DataFrame, harm: pd.DataFrame) -> None:
    assert problems_table(found).empty
    broken = found.assign(tool="cockpit", problem=["none", "a", "a", "b", "a", "none"])
    rows = problems_table(broken)[["tool", "cases", "problem"]].to_numpy().tolist()
    assert rows == [["Cockpit", 3, "a"], ["Cockpit", 1, "b"]]
    tables = {"fault_detection": found, "fault_harm": harm, "peer_detection": broken[:0]}
    assert set(fault_values(tables)["detections"]["cockpit"]) == {"\N{EN DASH}"}
