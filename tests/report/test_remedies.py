"""Rates and stages of their own for the layers, in the report: tables, and a text for every verdict."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from movingtarget.report.prose import VERDICTS, fill
from movingtarget.report.remedies import fine_tuning_table, large_batch_table, remedies_table

CHAPTER = (Path(__file__).parents[2] / "report/chapters/orders.md").read_text(encoding="utf-8")
SECTION = CHAPTER[CHAPTER.index("## Smaller steps for early layers") :]
NAMES = sorted({*re.findall(r'(?:found\(|claims\[)"([a-z0-9-]+)"', SECTION)})


def filled(verdicts: dict[str, str]) -> str:
    """The section as the report would have it with these verdicts."""
    frame = pd.DataFrame({"network": ["plain"]})
    columns = ["order", "learning_rate", "train_loss", "test_accuracy", "flops", "start", "rates", "bottom"]
    frame = frame.assign(**dict.fromkeys([*columns, "arm", "steps"], "1"))
    sections = {"remedies", "fine_tuning", "large_batch"}
    values: dict[str, Any] = {
        "claims": {name: {"verdict": verdict} for name, verdict in verdicts.items()},
        "config": {name: Anything() for name in sections},
        "found": lambda name: f"{{{verdicts[name]}}}",
        "mean": lambda table, **conditions: "0.5",
        "figure": lambda name: f"figure {name}",
        **dict.fromkeys(("remedies", "fine_tuned", "large_batches"), frame),
    }
    return fill(SECTION, values)


class Anything:
    """Has every setting, as a list of two."""

    def __getattr__(self, name: str) -> list[int]:
        return [0, 1]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_text_for_one_verdict_of_all_claims(verdict: str) -> None:
    text = filled(dict.fromkeys(NAMES, verdict))
    assert "<<" not in text
    assert "<%" not in text


def test_a_text_for_any_mixture_of_verdicts() -> None:
    source = np.random.default_rng(0)
    texts = {filled({name: str(source.choice(VERDICTS)) for name in NAMES}) for _ in range(60)}
    assert len(texts) > 50
    for text in texts:
        assert not re.search(r"\n;|  \n|\n\n\n\n", text)


def test_what_all_verdicts_settle_is_said_in_words() -> None:
    lowered = filled(dict.fromkeys(NAMES, "not reproduced"))
    assert "raise the loss that an epoch reaches" in lowered
    assert "In none of the three families" in lowered
    assert "LARS ends no more accurate than one rate for all in either;" in lowered
    raised = filled(dict.fromkeys(NAMES, "reproduced"))
    assert "Smaller rates for early layers lower the loss" in raised
    assert "LARS ends more accurate than one rate for all in both;" in raised


def searched(*arms: tuple[dict[str, str], str]) -> pd.DataFrame:
    return pd.DataFrame([{**arm, "learning_rate": 0.1, "seed": 100, "place": place} for arm, place in arms])


def test_remedies_stand_at_their_ends() -> None:
    arm = {"network": "plain", "activation": "relu", "order": "lars"}
    longer = arm | {"order": "simultaneous-longer"}
    rows = [
        {**of, "learning_rate": 0.12345, "seed": seed, "step": step, "flops": 10.0 * step}
        for of, steps in ((arm, (1, 2)), (longer, (1, 4)))
        for step in steps
        for seed in (0, 1)
    ]
    scored = pd.DataFrame(rows).assign(train_loss=lambda table: 2 / table["step"], test_accuracy=0.5)
    table = remedies_table(scored, searched((arm, "best"), (longer, "best at an edge")))
    assert table["network"].tolist() == ["plain, relu"] * 2
    assert table["order"].tolist() == ["LARS", "simultaneous, longer"]
    assert table["learning_rate"].tolist() == ["0.123", "0.123 (at an edge)"]
    assert table["flops"].tolist() == [20.0, 40.0]
    assert [text.split("\N{NO-BREAK SPACE}")[0] for text in table["train_loss"]] == ["1.00", "0.500"]
    assert {text.split("\N{NO-BREAK SPACE}")[0] for text in table["test_accuracy"]} == {"50.0"}


def test_large_batches_stand_at_their_ends() -> None:
    arm = {"network": "batch-norm", "arm": "large batch"}
    rows = [
        {**arm, "learning_rate": 0.1, "seed": seed, "step": step, "train_loss": 0.25, "test_accuracy": 0.75}
        for step in (0, 3)
        for seed in (0, 1)
    ]
    row = large_batch_table(pd.DataFrame(rows), searched((arm, "tried"), (arm, "best"))).iloc[0]
    assert (row["network"], row["arm"], row["steps"], row["learning_rate"]) == (
        "batch norm",
        "large batch",
        3,
        "0.1",
    )


def test_fine_tuning_names_the_lowest_layers_way() -> None:
    arm = {"network": "plain", "start": "pretrained", "rates": "smaller-early"}
    measured = {("test_accuracy", 0): 0.5, ("movement_share", 1): 0.01, ("movement_share", 2): 0.99}
    rows = [
        {**arm, "learning_rate": 0.1, "seed": seed, "quantity": quantity, "layer": layer, "value": value}
        for (quantity, layer), value in measured.items()
        for seed in (0, 1)
    ]
    row = fine_tuning_table(pd.DataFrame(rows), searched((arm, "best at an edge"))).iloc[0]
    assert row["bottom"] == "1.0"
    assert row["learning_rate"] == "0.1 (at an edge)"
    assert (row["start"], row["rates"]) == ("trained before", "smaller early")
    assert row["test_accuracy"].startswith("50.0")
