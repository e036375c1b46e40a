"""Losses of update orders on small tables with known answers; the text for every verdict on them."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from movingtarget.report.moving_target import DASH, orders_table
from movingtarget.report.prose import MINUS, VERDICTS, fill

SEEDS = range(5)


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text.replace(MINUS, "-"))]


def budget(
    order: str, name: str, losses: list[float], rate: float = 0.1, regime: str = "fresh"
) -> pd.DataFrame:
    """Rows of table update_order_budgets, the losses of the five seeds."""
    arm = {"regime": regime, "network": "batch-norm", "order": order, "budget": name}
    return pd.DataFrame({"seed": SEEDS, "train_loss": losses}).assign(**arm, learning_rate=rate)


def test_an_order_has_a_loss_for_each_budget_and_the_rate_of_equal_steps():
    budgets = pd.concat(
        [
            budget("forward", "long-flop", [0.7] * 5, rate=0.7),
            budget("forward", "flop", [9.0] * 5, rate=0.9),
            budget("forward", "sweep", [0.3, 0.4, 0.5, 0.6, 0.7], rate=0.12345),
            budget("forward", "long-second", [0.6, math.nan, 0.6, 0.6, 0.6]),
            budget("round-robin", "sweep", [0.2] * 5),
        ]
    )
    stable = pd.DataFrame({"regime": "fresh", "network": "batch-norm", "order": "forward", "seed": range(3)})
    forward, turns = orders_table(budgets, stable.assign(value=[0.6, 0.2, 0.4])).to_dict("records")
    assert forward["regime"] == "a minibatch a layer"
    assert (forward["network"], forward["order"]) == ("batch norm", "forward sweep")
    assert forward["learning_rate"] == "0.123"
    assert numbers(forward["sweep"])[0] == pytest.approx(0.5)
    low, high = numbers(forward["sweep"])[1:]
    assert low < 0.5 < high
    assert numbers(forward["long-flop"])[0] == pytest.approx(0.7)
    assert forward["long-second"].startswith("\N{INFINITY}")
    assert forward["stable"] == "0.40"
    assert turns["order"] == "round robin"
    assert [turns[column] for column in ("long-flop", "long-second", "stable")] == [DASH] * 3


def test_regimes_are_kept_apart():
    budgets = pd.concat(
        [
            budget("fresh", "sweep", [loss] * 5, regime=regime)
            for regime, loss in {"fresh": 0.25, "minibatch": 0.75}.items()
        ]
    )
    stable = pd.DataFrame({"regime": "minibatch", "network": "batch-norm", "order": "fresh", "seed": [0]})
    rows = orders_table(budgets, stable.assign(value=np.inf)).to_dict("records")
    assert [numbers(row["sweep"])[0] for row in rows] == [0.25, 0.75]
    assert [row["stable"][0] for row in rows] == [DASH, "\N{INFINITY}"]


CHAPTER = (Path(__file__).parents[2] / "report/chapters/orders.md").read_text(encoding="utf-8")
SECTION = CHAPTER[: CHAPTER.index("## Smaller steps for")]
REGIME_NAMES = ("full-batch", "minibatch", "fresh")


def claims_of_section() -> list[str]:
    """The names that stand in the text, and those it puts together in loops."""
    names = {*re.findall(r'(?:found\(|claims\[)"([a-z0-9-]+)"[])]', SECTION)}
    for start, end in re.findall(r'claims\["([a-z-]+)" ~ (?:regime|rule) ~ "([a-z-]+)"\]', SECTION):
        between = REGIME_NAMES if start == "recomputing-" else ("", "-muon")
        names |= {f"{start}{middle}{end}" for middle in between}
    return sorted(names)


NAMES = claims_of_section()


def filled(verdicts: dict[str, str], edges: tuple[str, ...] = ()) -> str:
    """The section as the report would have it with these verdicts."""
    plan = {"examples": 64, "sweeps": 937}
    orders = {"regimes": dict.fromkeys(REGIME_NAMES, plan), "depth": 8, "hidden_width": 64}
    columns = ["regime", "network", "order", "learning_rate", "sweep", "long-flop", "long-second", "stable"]
    values: dict[str, Any] = {
        "claims": {name: {"verdict": verdict} for name, verdict in verdicts.items()},
        "config": {"update_orders": orders | {"tuning_seeds": [100], "seeds": [0, 1]}},
        "edges": list(edges),
        "orders": pd.DataFrame([dict.fromkeys(columns, "1")]),
        "figure": lambda name: f"figure {name}",
        "found": lambda name: f"{{{verdicts[name]}}}",
    }
    return fill(SECTION, values)


def test_the_section_speaks_of_claims_that_are_registered():
    registered = (Path(__file__).parents[2] / "config/claims.yaml").read_text(encoding="utf-8")
    assert len(NAMES) == 3 * 6 + 4 + 4 + 1
    assert set(NAMES) <= {*re.findall(r"^- id: (\S+)", registered, re.MULTILINE)}


def faultless(text: str) -> bool:
    return not re.search(r"<<|<%|%>|undefined|None|  +\S|[,;:.] ?[,;.]|\n\n\n\n", text)


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_text_for_each_verdict_of_each_claim_whatever_the_others(name: str, verdict: str):
    source = np.random.default_rng([NAMES.index(name), VERDICTS.index(verdict)])
    for _ in range(3):
        others = {other: str(source.choice(VERDICTS)) for other in NAMES}
        assert faultless(filled(others | {name: verdict}))


@pytest.mark.parametrize("name", NAMES)
def test_each_verdict_of_each_claim_changes_the_text(name: str):
    for others in VERDICTS:
        verdicts = dict.fromkeys(NAMES, others)
        assert len({filled(verdicts | {name: verdict}) for verdict in VERDICTS}) == 3


def test_sentences_of_verdicts_that_agree():
    text = " ".join(filled(dict.fromkeys(NAMES, "reproduced")).split())
    assert "**On a full batch,** recomputing pays per sweep, it pays per FLOP, and it pays per second" in text
    assert "in the plain network; with batch norm it does. On minibatches it does in the plain" in text
    assert "a random half of the layers beats all of them per FLOP and beats them per second" in text
    text = " ".join(filled(dict.fromkeys(NAMES, "not reproduced")).split())
    assert "does not pay even per sweep, it does not pay per FLOP, nor does it per second (plain" in text
    assert "with gradient descent, and does not beat all of them per FLOP" in text


def test_a_rate_at_an_edge_is_told():
    verdicts = dict.fromkeys(NAMES, "inconclusive")
    told = filled(verdicts, ("a sweep on plain (full batch)", "Muon on plain (a minibatch a step)"))
    assert "nonetheless for a sweep on plain (full batch); Muon on plain" in told
    assert "nonetheless" not in filled(verdicts)
