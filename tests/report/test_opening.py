"""The three questions have an answer whatever the verdicts are."""

import re
from itertools import cycle, islice, product
from pathlib import Path

import pytest
import yaml

from movingtarget.report.answers import by_verdict
from movingtarget.report.locoprop import by_budget
from movingtarget.report.prose import VERDICTS, environment

PROJECT = Path(__file__).parents[2]
REGIMES = ("full-batch", "minibatch", "fresh")
AT_EQUAL_COST = [f"recomputing-{regime}-per-flop" for regime in REGIMES]
WITHOUT_BATCH_NORM = [f"plain-sweeps-reach-batch-norm-{regime}" for regime in REGIMES]
SWEEPS_GAIN = [f"batch-norm-helps-{regime}-sweeps" for regime in REGIMES]
LEARNING = [
    "first-step-breaks-its-promise-plain",
    "broken-promises-still-lower-the-loss-plain",
    "promise-kept-better-later-plain",
]
CACHED = [f"locoprop-m-below-first-order{budget}" for budget in ("", "-flops", "-seconds")]
CONFIG = yaml.safe_load((PROJECT / "config/config.yaml").read_text(encoding="utf-8"))
OPENING = environment(PROJECT / "report").get_template("chapters/opening.md")


def sections(verdicts: dict[str, str]) -> dict[str, str]:
    """The opening's sections by their anchors, or their headings, for these verdicts."""
    claims = {name: {"verdict": verdict} for name, verdict in verdicts.items()}
    text = OPENING.render(
        claims=claims,
        by_budget=lambda name: by_budget(claims, name),
        config=CONFIG,
        estimate=lambda name: f"NUMBER({name})",
        figure=lambda name: f"FIGURE({name})",
        by_verdict=by_verdict,
        dataset="Fashion-MNIST",
    )
    parts = re.split(r"(?m)^## (.*)$", text)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def every(names: list[str]) -> list[dict[str, str]]:
    return [dict(zip(names, verdicts, strict=True)) for verdicts in product(VERDICTS, repeat=len(names))]


@pytest.fixture(scope="module")
def openings() -> list[tuple[dict[str, str], dict[str, str]]]:
    """Every combination of verdicts within a question, and the sections that it gives."""
    second = every([*WITHOUT_BATCH_NORM, *SWEEPS_GAIN])
    others = zip(cycle(every(AT_EQUAL_COST)), cycle(every([*LEARNING, *CACHED])), strict=False)
    combined = [a | b | c for a, (b, c) in zip(second, islice(others, len(second)), strict=True)]
    return [(verdicts, sections(verdicts)) for verdicts in combined]


@pytest.mark.parametrize(
    ("anchor", "names", "answers"),
    [
        ("answer-at-once", AT_EQUAL_COST, 27),
        ("answer-batch-norm", [*WITHOUT_BATCH_NORM, *SWEEPS_GAIN], 729),
        ("answer-learning", [*LEARNING, *CACHED], 729),
    ],
)
def test_every_combination_of_verdicts_has_an_answer_of_its_own(openings, anchor, names, answers):
    texts = {}
    for verdicts, given in openings:
        (text,) = [text for heading, text in given.items() if f"{{#{anchor}}}" in heading]
        texts[tuple(verdicts[name] for name in names)] = text
    assert len(texts) == len(set(texts.values())) == answers
    for text in texts.values():
        answer, number, figure = (part.strip() for part in text.strip().split("\n\n"))
        assert re.fullmatch(r"(?s)[A-Z].*[.]", answer)
        assert number.startswith("The number: ")
        assert "NUMBER(" in number
        assert re.fullmatch(r"FIGURE\(answer_\w+\)", figure)


def test_a_reader_is_told_how_many_tests_are_decided(openings):
    for verdicts, given in openings[::50]:
        own = [verdict for name, verdict in verdicts.items() if name not in CACHED]
        decided = sum(verdict != "inconclusive" for verdict in own)
        text = " ".join(given["How sure are we, and what would change our mind?"].split())
        assert f"rest on {len(own)} tests, of which {decided} are decided" in text
        assert f"rests on {len(CACHED)} more tests" in text


def test_the_opening_speaks_of_registered_claims():
    claims = yaml.safe_load((PROJECT / "config/claims.yaml").read_text(encoding="utf-8"))
    names = {claim["id"] for claim in claims if claim["kind"] == "question"}
    assert names >= {*AT_EQUAL_COST, *WITHOUT_BATCH_NORM, *SWEEPS_GAIN, *LEARNING}
    assert {claim["id"] for claim in claims} >= {*CACHED}


def test_agreeing_verdicts_are_told_in_one_sentence():
    (text,) = [
        text
        for heading, text in sections(
            dict.fromkeys(
                [*AT_EQUAL_COST, *WITHOUT_BATCH_NORM, *SWEEPS_GAIN, *LEARNING, *CACHED], "not reproduced"
            )
        ).items()
        if "answer-at-once" in heading
    ]
    assert "ends no lower in any of the three ways" in text
