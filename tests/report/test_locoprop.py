"""Layer-wise targets in the report: tables, sentences, and a text for every verdict."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from movingtarget.declarations import schemas
from movingtarget.methods import METHODS
from movingtarget.report.locoprop import (
    BUDGETS,
    compared_table,
    flip,
    leaders,
    left_out,
    locoprop_values,
    no_gap,
    others_below,
    prices,
    published_table,
    released,
    settings_table,
)
from movingtarget.report.prose import SPACE, VERDICTS, fill
from movingtarget.report.sentences import sentences
from movingtarget.statistics.rows import where
from movingtarget.theory.published_losses import PUBLISHED

PROJECT = Path(__file__).parents[2]
SECTION = "".join(
    (PROJECT / f"report/{part}/locoprop.md").read_text(encoding="utf-8")
    for part in ("chapters", "appendices")
)
CLAIMS = {
    claim["id"]: claim
    for claim in yaml.safe_load((PROJECT / "config/claims.yaml").read_text(encoding="utf-8"))
}
NAMES = sorted(
    name for name, claim in CLAIMS.items() if claim["paper"] == "amid2022" and claim["kind"] != "check"
)
CONFIG = yaml.safe_load((PROJECT / "config/config.yaml").read_text(encoding="utf-8"))

BUDGET_ROWS = [
    ("sgd", "epochs", 300.0),
    ("adam", "epochs", 250.0),
    ("k-fac", "epochs", 220.0),
    ("locoprop-m", "epochs", 230.0),
    ("sgd", "flops", 300.0),
    ("adam", "flops", 260.0),
    ("k-fac", "flops", 270.0),
    ("sgd", "seconds", 300.0),
]
COSTS = [("sgd", 1e6, 0.2), ("sgd", 1e6, 0.1), ("locoprop-m", 7e6, 0.9), ("locoprop-m", 7e6, 0.8)]


def budgets() -> pd.DataFrame:
    rows = [(*row[:2], row[2] + seed, seed) for row in BUDGET_ROWS for seed in range(3)]
    return pd.DataFrame(rows, columns=["method", "budget", "train_loss", "seed"])


def costs() -> pd.DataFrame:
    return pd.DataFrame(COSTS, columns=["method", "flops", "seconds"])


def search() -> pd.DataFrame:
    rows = [
        ("sgd", 0, 0.1, np.nan, 300.0, "tried"),
        ("sgd", 1, 1.0, np.nan, 200.0, "best at an edge"),
        ("sgd", 2, 0.01, np.nan, 198.0, "tried"),
        ("adam", 0, 0.1, 1e-4, 210.0, "best"),
        ("adam", 1, 0.01, 1e-3, 300.0, "tried"),
        ("adam", 2, 1.0, 1e-5, np.inf, "tried"),
    ]
    columns = ["method", "trial", "learning_rate", "searched_value", "train_loss", "place"]
    return pd.DataFrame(rows, columns=columns).assign(seed=100, architecture="first")


def run(epochs: int) -> pd.DataFrame:
    epoch = np.arange(epochs + 1)
    return pd.DataFrame({"epoch": epoch, "train_loss": 500 / (1 + epoch), "test_loss": 600.0 - epoch})


def small() -> dict[str, pd.DataFrame]:
    return {
        "locoprop_budgets": budgets(),
        "locoprop_costs": costs(),
        "locoprop_search": search(),
        "locoprop_gaps": pd.DataFrame(
            [
                ("epochs", "second-order", 30.0),
                ("flops", "second-order", -10.0),
                ("epochs", "half-way of 2022", -2.0),
            ],
            columns=["budget", "rival", "value"],
        ).assign(seed=0),
        "locoprop_released": run(3),
        "locoprop_floors": pd.DataFrame({"split": ["train", "test"], "entropy": [185.1, 190.0]}),
    }


def empty() -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame(columns=[*schema]) for name, schema in schemas().items()}


def filled(verdicts: dict[str, str], tables: dict[str, pd.DataFrame]) -> str:
    """The chapter and its appendix as the report would have them with these verdicts."""
    claims = {
        name: {"verdict": verdict, "paper": "amid2022", "kind": CLAIMS[name]["kind"], "seeds": 5}
        | {"estimate": 0.5, "low": 0.25, "high": 0.75}
        for name, verdict in verdicts.items()
    }
    values: dict[str, Any] = {
        **sentences(claims),
        "config": CONFIG,
        "dataset": "Fashion-MNIST",
        "figure": lambda name: f"figure {name}",
        "flip": flip,
        "locoprop": locoprop_values(tables),
    }
    return fill(SECTION, values)


def test_the_text_speaks_of_all_claims_of_the_paper() -> None:
    ends = ("", "-flops", "-seconds")
    of_budgets = {
        f"{name}{end}" for name in re.findall(r'by_budget\("([a-z0-9-]+)"', SECTION) for end in ends
    }
    assert {*re.findall(r'"([a-z0-9-]+)"', SECTION)} & {*CLAIMS} | of_budgets == {*NAMES}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_text_for_one_verdict_of_all_claims(verdict: str) -> None:
    text = filled(dict.fromkeys(NAMES, verdict), small())
    assert "<<" not in text
    assert "<%" not in text


def test_a_text_for_any_mixture_of_verdicts() -> None:
    source = np.random.default_rng(0)
    texts = {filled({name: str(source.choice(VERDICTS)) for name in NAMES}, small()) for _ in range(60)}
    assert len(texts) > 55
    for text in texts:
        assert not re.search(r"\n[;,.]|  \n|\n\n\n\n| \.", text)


def test_a_text_for_empty_tables() -> None:
    text = filled(dict.fromkeys(NAMES, "inconclusive"), empty())
    assert "undefined" in text
    assert "<<" not in text


@pytest.mark.parametrize(
    ("epochs", "seconds", "answer"),
    [
        ("reproduced", "not reproduced", "turns with what is counted: where examples are dear"),
        ("not reproduced", "reproduced", "So the answer turns with what is counted."),
        ("reproduced", "reproduced", "in all three ways of counting"),
        ("not reproduced", "not reproduced", "in any of the three ways of counting"),
    ],
)
def test_whether_the_answer_turns_follows_from_the_budgets(epochs: str, seconds: str, answer: str) -> None:
    verdicts = dict.fromkeys(NAMES, epochs)
    text = filled(verdicts | {"locoprop-m-below-first-order-seconds": seconds}, small())
    assert answer in text


def test_a_gap_that_is_none_is_said() -> None:
    verdicts = dict.fromkeys(NAMES, "reproduced")
    assert "none to close: with as many FLOPs the best" in filled(verdicts, small())
    assert "none to close" not in filled(verdicts, small() | {"locoprop_gaps": small()["locoprop_gaps"][:1]})
    assert "so that there is no gap" in filled(verdicts, small())
    assert "so that there is no gap" not in filled(
        verdicts, small() | {"locoprop_gaps": small()["locoprop_gaps"][:1]}
    )
    assert no_gap(small()["locoprop_gaps"], "second-order") == ["with as many FLOPs"]
    assert no_gap(small()["locoprop_gaps"], "half-way of 2022") == ["with as many epochs"]


@pytest.mark.parametrize(("gap", "none"), [(0.1, False), (0.0, True), (-0.1, True)])
def test_any_gap_above_zero_is_one(gap: float, none: bool) -> None:
    gaps = pd.DataFrame({"budget": ["epochs"] * 2, "rival": "second-order", "value": [gap - 1, gap + 1]})
    assert no_gap(gaps, "second-order") == (["with as many epochs"] if none else [])


def test_losses_and_costs_of_every_method() -> None:
    table = compared_table(budgets(), costs())
    assert table["method"].tolist() == ["SGD", "Adam", "K-FAC", "LocoProp-M"]
    assert table["group"].tolist() == ["first-order"] * 2 + ["second-order", "layer-wise"]
    assert [text.split(SPACE)[0][:3] for text in table["epochs"]] == ["301", "251", "221", "231"]
    assert table["seconds"].tolist()[1:] == ["–"] * 3  # noqa: RUF001
    assert table["step_flops"].tolist() == ["1.0", "undefined", "undefined", "7.0"]
    assert table["step_seconds"].tolist() == ["1.0", "undefined", "undefined", "8.0"]  # of the least


def test_a_method_that_diverged_has_an_infinite_loss() -> None:
    table = budgets()
    table.loc[(table["method"] == "adam") & (table["seed"] == 1), "train_loss"] = np.nan
    assert "∞" in compared_table(table, costs())["epochs"][1]
    assert "the best first-order method is SGD" in leaders(table)[0]


def test_costs_without_sgd_are_undefined() -> None:
    assert prices(costs()[2:])["locoprop-m"] == {"flops": "undefined", "seconds": "undefined"}
    assert set(prices(costs())) == {*METHODS}


def test_who_leads_under_each_budget() -> None:
    epochs, flops, seconds = leaders(budgets())
    assert epochs.startswith("With as many epochs the best first-order method is Adam, at 251")
    assert "the best second-order method is K-FAC, at 221" in epochs
    assert "the best layer-wise method is LocoProp-M, at 231" in epochs
    assert "layer-wise" not in flops
    assert seconds.count(";") == 0
    lost = budgets().assign(train_loss=np.nan)
    assert leaders(lost)[0] == "With as many epochs every method has diverged."


def test_methods_without_a_budget_are_named() -> None:
    assert left_out(budgets()) == [
        "with as many FLOPs, LocoProp-M",
        "with as many seconds, Adam, K-FAC and LocoProp-M",
    ]
    assert left_out(where(budgets(), method="sgd")) == []


def test_the_best_trial_its_edges_and_its_neighbours() -> None:
    sgd, adam = settings_table(search()).to_dict("records")
    assert sgd == {
        **{"method": "SGD", "learning_rate": "1.00", "searched": "–", "edge": "rate"},  # noqa: RUF001
        **{"near": 2, "diverged": 0},
    }
    assert (adam["edge"], adam["near"], adam["diverged"]) == ("no", 1, 1)
    assert adam["searched"].startswith("epsilon 1.00")
    assert locoprop_values(small())["edges"] == ["SGD"]


def test_the_last_epoch_of_the_released_run() -> None:
    assert released(run(3)[::-1]) == {"epoch": "3", "train_loss": "125.0", "test_loss": "597.0"}
    assert set(released(run(3)[:0]).values()) == {"undefined"}


def test_published_runs_stand_above_ours() -> None:
    table = published_table(run(50)[::-1])  # in whatever order
    assert len(table) == len(PUBLISHED) + 1
    assert table["run"].tolist()[:2] == ["momentum", "Adam"]
    assert table["after_50"].tolist()[0] == "75.64"
    assert table["after_100"].tolist()[-2:] == ["–"] * 2  # noqa: RUF001
    assert table.iloc[-1].to_dict() == {
        **{"run": "**LocoProp-M**", "settings": "as released, this code", "after_50": "9.80"},
        **{"after_100": "–", "last": "9.80 (50)", "test": "550.00"},  # noqa: RUF001
    }
    assert len(published_table(run(3)[:0])) == len(PUBLISHED)


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [
        (["reproduced"] * 3, "stays"),
        (["not reproduced"] * 3, "stays"),
        (["inconclusive"] * 3, "open"),
        (["reproduced", "inconclusive", "not reproduced"], "turns"),
        (["not reproduced", "inconclusive", "not reproduced"], "open"),
    ],
)
def test_an_answer_turns_stays_or_is_open(verdicts: list[str], answer: str) -> None:
    assert flip(dict(zip(BUDGETS, verdicts, strict=True))) == answer


def test_other_layer_wise_methods_below_every_first_order_one_are_named() -> None:
    losses = {"adam": 3.0, "sgd": 2.0, "foof": 1.0, "proxprop": 2.5, "locoprop-m": 0.5}
    rows = [
        {"method": method, "budget": budget, "seed": seed, "train_loss": loss + seed * (method == "foof")}
        for method, loss in losses.items()
        for budget in ("epochs", "flops")
        for seed in (0, 1)
    ]
    table = pd.DataFrame(rows)
    assert others_below(table) == ["FOOF"]
    table.loc[(table["method"] == "foof") & (table["budget"] == "flops"), "train_loss"] += 1
    assert others_below(table) == []
    assert others_below(table.iloc[:0]) == []
