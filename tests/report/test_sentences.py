"""Words that follow from claims: each verdict has its own, and the number behind it where it is asked for."""

import numpy as np
import pytest

from movingtarget.report.prose import SPACE, VERDICTS
from movingtarget.report.sentences import sentences

WORDS = ("It is so", "It is not so", "Who knows")


def claim(verdict: str, estimate: float = 1.0) -> dict[str, object]:
    return {"verdict": verdict, "seeds": 5, "estimate": estimate, "low": 0.0, "high": 2.0}


@pytest.mark.parametrize(("verdict", "words"), [*zip(VERDICTS, WORDS, strict=True)])
def test_the_words_for_a_verdict_alone_and_with_its_number(verdict: str, words: str):
    said = sentences({"a": claim(verdict)})
    assert said["told"]("a", *WORDS) == words
    assert said["judged"]("a", *WORDS) == f"{words} ({said['found']('a')})"
    assert said["found"]("a").endswith(f"({said['estimate']('a')}, 5 seeds)")
    assert said["estimate"]("a") == f"1.0{SPACE}[0.0,{SPACE}2.0]"


def test_several_claims_are_told_apart():
    claims = {"a": claim("reproduced"), "b": claim("not reproduced"), "c": claim("inconclusive", np.nan)}
    said = sentences(claims)
    assert said["found_for"]({"one": "a", "two": "b", "three": "c"}) == (
        "it is so for one; it is not so for two; it is undefined for three"
    )
