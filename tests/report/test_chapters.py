"""The chapters have sentences, none of them long, whatever the verdicts are."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from movingtarget.faults import FAULTS
from movingtarget.report.information import READINGS
from movingtarget.report.locoprop import flip
from movingtarget.report.prose import VERDICTS, environment
from movingtarget.report.sentences import sentences

PROJECT = Path(__file__).parents[2]
CHAPTERS = PROJECT / "report/chapters"
REPORT = environment(PROJECT / "report")
CONFIG = yaml.safe_load((PROJECT / "config/config.yaml").read_text(encoding="utf-8"))
CLAIMS = {
    claim["id"]: claim
    for claim in yaml.safe_load((PROJECT / "config/claims.yaml").read_text(encoding="utf-8"))
}
REGIMES = ("full-batch", "minibatch", "fresh")
ANSWERS = {
    "at-once": [f"recomputing-{regime}-per-flop" for regime in REGIMES],
    "batch-norm": [f"plain-sweeps-reach-batch-norm-{regime}" for regime in REGIMES],
    "learning": [
        "first-step-breaks-its-promise-plain",
        *(
            f"broken-promises-still-lower-the-loss-{network}"
            for network in ("plain", "batch-norm", "residual")
        ),
    ],
}
QUESTIONS = {
    "at-once": {"why-at-once"},
    "batch-norm": {"batch-norm-needless"},
    "learning": {"how-to-learn", "still-downhill"},
}
"""Of whose tests each answer says how many are decided."""

MORE = {
    "verdicts": [
        *(f"batch-norm-helps-{regime}-sweeps" for regime in REGIMES),
        *(f"promise-kept-better-later-{network}" for network in ("plain", "batch-norm", "residual")),
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

STORIES = ("shattering", "information", "locoprop", "own")
LONGEST = 40
"""Words of a sentence, at most."""


def told_in(chapter: str) -> list[str]:
    """The claims that a chapter names."""
    text = (CHAPTERS / f"{chapter}.md").read_text(encoding="utf-8")
    return sorted({*re.findall(r'"([a-z0-9-]+)"', text)} & {*CLAIMS})


MORE |= {chapter: told_in(chapter) for chapter in STORIES}


def written(chapter: str, verdicts: dict[str, str]) -> str:
    """A chapter, where all claims but these are inconclusive."""
    claims = {
        name: {"verdict": verdicts.get(name, "inconclusive"), "seeds": 10}
        | {"estimate": 0.5, "low": 0.25, "high": 0.75, "paper": claim["paper"], "kind": claim["kind"]}
        | {"question": claim.get("question")}
        for name, claim in CLAIMS.items()
    }
    values: dict[str, Any] = {
        **sentences(claims),
        "config": CONFIG,
        "dataset": "Fashion-MNIST",
        "counts": {"claims": 9, "papers": 3},
        "by_paper": pd.DataFrame([["@he2015", 1, 2, 3]], columns=["paper", *VERDICTS]),
        "figure": lambda name: f"FIGURE({name})",
        "shallow": 10,
        "healed": "7 of 9",
        "prediction": {"correlation_given_norm": "0.1 [0.0, 0.2]", "excludes_zero": False},
        "readings": {words: name for name, words in READINGS.items()},
        "information": {"gain": {"fewest": "10", "most": "20"}},
        "flip": flip,
        "degraded": {"cut_short": ["batch norm at 24 layers"], "residual_fits": False},
        "locoprop": {"no_gap": ["with as many FLOPs"], "others_below": ["FOOF"]},
        "of_faults": {fault.title: f"probe-finds-{name}" for name, fault in FAULTS.items()},
        "faults": {"kinds": "perceptron; convnet", "missed": ["softmax twice (convnet)"]},
    }
    return REPORT.get_template(f"chapters/{chapter}.md").render(values)


@pytest.mark.parametrize(("anchor", "names"), ANSWERS.items())
def test_every_combination_of_verdicts_has_an_answer_of_its_own(anchor: str, names: list[str]):
    texts = set()
    for verdicts in product(VERDICTS, repeat=len(names)):
        text = written("answers", dict(zip(names, verdicts, strict=True)))
        answer, number = text.partition(f"[]{{#answer-{anchor}}}")[2].strip().split("\n\n")[:2]
        assert re.fullmatch(r"(?s)[A-Z].*[.]", answer)
        assert number.startswith("*The number:* ")
        assert "0.50" in number
        asked = sum(claim.get("question") in QUESTIONS[anchor] for claim in CLAIMS.values())
        sure = f"{sum(verdict != 'inconclusive' for verdict in verdicts)} of {asked} tests"
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


@pytest.mark.parametrize("chapter", STORIES)
def test_no_sentence_is_long(chapter: str):
    source = np.random.default_rng(0)
    for _ in range(20):
        text = written(chapter, {name: str(source.choice(VERDICTS)) for name in CLAIMS})
        prose = re.sub(r"(?m)^(#|:::|FIGURE).*$|\$\$[^$]*\$\$", "", text)
        for sentence in re.split(r"(?<=[.?!])\s+|\n\n", prose):
            assert len(sentence.split()) <= LONGEST, sentence


@pytest.mark.parametrize("chapter", STORIES)
def test_a_chapter_opens_with_what_was_asked_and_found_and_how_sure(chapter: str):
    text = written(chapter, {})
    summary = re.search(r"(?s)^# [^\n]+\n\n::: summary\n(.*?)\n:::\n", text)
    assert summary
    asked, found, sure = summary[1].split("\n\n")
    assert asked.startswith("**Asked.**")
    assert asked.endswith("?")
    assert found.startswith("**Found.**")
    assert re.search(r"\d+ of \d+ tests", sure)


@pytest.mark.parametrize("file", sorted((PROJECT / "report").glob("*/*.md")), ids=lambda file: file.stem)
def test_each_verdict_of_a_claim_has_words_of_its_own(file: Path):
    text = file.read_text(encoding="utf-8")
    said = re.findall(r'(?:told|judged)\(\s*"([a-z0-9-]+)"' + 3 * r',\s*"([^"]*)"' + r"\s*\)", text)
    for name, *words in said:
        assert name in CLAIMS
        assert len({*words}) == 3


def test_agreeing_verdicts_are_told_in_one_sentence():
    text = written("answers", dict.fromkeys(ANSWERS["at-once"], "not reproduced"))
    assert "ends no lower in any of the three ways" in text
