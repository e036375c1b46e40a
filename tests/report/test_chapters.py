"""The chapters on the three answers and on depth have sentences whatever the verdicts are."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from movingtarget.report.prose import VERDICTS, fill
from movingtarget.report.sentences import sentences

PROJECT = Path(__file__).parents[2]
CHAPTERS = PROJECT / "report/chapters"
CONFIG = yaml.safe_load((PROJECT / "config/config.yaml").read_text(encoding="utf-8"))
CLAIMS = [
    claim["id"] for claim in yaml.safe_load((PROJECT / "config/claims.yaml").read_text(encoding="utf-8"))
]
REGIMES = ("full-batch", "minibatch", "fresh")
ANSWERS = {
    "at-once": [f"recomputing-{regime}-per-flop" for regime in REGIMES],
    "batch-norm": [f"plain-sweeps-reach-batch-norm-{regime}" for regime in REGIMES],
    "learning": ["first-step-breaks-its-promise-plain", "broken-promises-still-lower-the-loss-plain"],
}
MORE = {
    "verdicts": [
        *(f"batch-norm-helps-{regime}-sweeps" for regime in REGIMES),
        "promise-kept-better-later-plain",
        *(f"locoprop-m-below-first-order{budget}" for budget in ("", "-flops", "-seconds")),
    ],
    "depth": [
        "batch-norm-trains-faster",
        "plain-nets-degrade",
        "plain-nets-degrade-at-50",
        "residual-trains-where-plain-fails-at-50",
        "batch-norm-nets-degrade",
        "residual-gains-from-depth",
    ],
}


def written(chapter: str, verdicts: dict[str, str]) -> str:
    """A chapter, where all claims but these are inconclusive."""
    claims = {
        name: {"verdict": verdicts.get(name, "inconclusive"), "seeds": 10}
        | {"estimate": 0.5, "low": 0.25, "high": 0.75}
        for name in CLAIMS
    }
    values: dict[str, Any] = {
        **sentences(claims),
        "config": CONFIG,
        "dataset": "Fashion-MNIST",
        "counts": {"claims": 9, "papers": 3},
        "by_paper": pd.DataFrame([["@he2015", 1, 2, 3]], columns=["paper", *VERDICTS]),
        "figure": lambda name: f"FIGURE({name})",
        "shallow": 10,
    }
    text = (CHAPTERS / f"{chapter}.md").read_text(encoding="utf-8")
    return fill(text, values, PROJECT / "report")


@pytest.mark.parametrize(("anchor", "names"), ANSWERS.items())
def test_every_combination_of_verdicts_has_an_answer_of_its_own(anchor: str, names: list[str]):
    texts = set()
    for verdicts in product(VERDICTS, repeat=len(names)):
        text = written("answers", dict(zip(names, verdicts, strict=True)))
        answer, number = text.partition(f"[]{{#answer-{anchor}}}")[2].strip().split("\n\n")[:2]
        assert re.fullmatch(r"(?s)[A-Z].*[.]", answer)
        assert number.startswith("*The number:* ")
        assert "0.50" in number
        sure = f"{sum(verdict != 'inconclusive' for verdict in verdicts)} of {len(names)} tests"
        assert sure in " ".join(number.partition("*How sure:*")[2].split())
        texts.add(answer)
    assert len(texts) == 3 ** len(names)


def test_the_answers_are_of_one_page_with_one_figure():
    text = written("answers", {})
    assert re.findall(r"FIGURE\((\w+)\)", text) == ["answers"]
    assert len(text.split()) < 400


@pytest.mark.parametrize(("chapter", "name"), [(c, name) for c, names in MORE.items() for name in names])
def test_each_verdict_of_each_claim_changes_the_text(chapter: str, name: str):
    for others in VERDICTS:
        verdicts = dict.fromkeys(MORE[chapter], others)
        texts = {written(chapter, verdicts | {name: verdict}) for verdict in VERDICTS}
        assert len(texts) == 3
        assert not any(re.search(r"<<|<%|undefined|None|[,;:.] ?[,;.]|\n\n\n\n", text) for text in texts)


def test_agreeing_verdicts_are_told_in_one_sentence():
    text = written("answers", dict.fromkeys(ANSWERS["at-once"], "not reproduced"))
    assert "ends no lower in any of the three ways" in text
