"""What the report says of the first steps: its table, and an answer whatever the verdicts."""

import re
from itertools import cycle, product
from pathlib import Path

import pandas as pd
import pytest
import yaml

from movingtarget.report import prose
from movingtarget.report.early_steps import early_steps_table
from movingtarget.report.sentences import sentences

CHAPTER = Path(__file__).parents[2] / "report/chapters/target.md"
COLUMNS = [
    *("network", "batches", "learning_rate", "promise", "kept", "kept_later"),
    *("edge", "edge_later", "train_loss"),
]


def test_a_row_for_each_network_and_kind_of_batch():
    rows = [
        ("promise", 1, 3.0),
        ("kept", 1, 0.1),
        ("kept", 200, 0.4),
        ("edge", 1, 5.0),
        ("edge", 30, 1.1),
        ("train_loss", 200, 0.3),
    ]
    steps = pd.DataFrame(
        [
            {
                "quantity": quantity,
                "step": step,
                "value": value * multiple,
                "seed": seed,
                "multiple": multiple,
            }
            for quantity, step, value in rows
            for seed in (0, 1, 2)
            for multiple in (1.0, 4.0)
        ]
    ).assign(network="plain", batches="minibatches", norms="free", learning_rate=0.05)
    search = pd.DataFrame({"place": ["tried", "best at an edge"], "learning_rate": [0.1, 0.05]})
    table = early_steps_table(steps, search.assign(network="plain", batches="minibatches"))
    (row,) = table.to_dict("records")
    assert row["learning_rate"] == "0.0500 (at an edge)"
    means = {name: row[name].split("\N{NO-BREAK SPACE}")[0] for name in table.columns[3:]}
    assert means == {
        "promise": "3.00",
        "kept": "0.100",
        "kept_later": "0.400",
        "edge": "5.00",
        "edge_later": "1.10",
        "train_loss": "0.300",
    }


@pytest.mark.parametrize("verdicts", [*product(prose.VERDICTS, repeat=3)])
def test_every_combination_of_verdicts_yields_an_answer(verdicts: tuple[str, str, str]):
    text = CHAPTER.read_text(encoding="utf-8")
    section = text[text.index("## The first steps") :]
    names = re.findall(r'found\("([a-z0-9-]+)"\)', section)
    claims = {
        name: {"verdict": verdict, "seeds": 10, "estimate": 1.0, "low": 0.0, "high": 2.0}
        for name, verdict in zip(names, cycle(verdicts))
    }
    config = yaml.safe_load((CHAPTER.parents[2] / "config/config.yaml").read_text(encoding="utf-8"))
    filled = prose.fill(
        section,
        {
            "config": config,
            **sentences(claims),
            "mean": lambda table, **conditions: "0.5",
            "figure": lambda name: f"[{name}]",
            "early_steps": pd.DataFrame([dict.fromkeys(COLUMNS, "1")]),
        },
    )
    for opening in ("Is the promise broken?", "Why does it still learn?", "Are features shaped just then?"):
        answer = filled.partition(f"**{opening}**")[2].partition("**")[0]
        assert re.search(r"\n(So |The |About |A broken promise|Whether |Most )", answer), opening
