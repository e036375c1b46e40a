"""Sentences that follow from verdicts."""

import pytest

from movingtarget.report.answers import by_verdict

WHOLE = {"reproduced": "Always.", "not reproduced": "Never.", "inconclusive": "Who knows."}
PARTS = {"reproduced": "swims", "not reproduced": "sinks"}


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        (["reproduced"] * 3, "Always."),
        (["not reproduced"] * 3, "Never."),
        (["inconclusive"] * 3, "Who knows."),
        (["reproduced", "not reproduced", "reproduced"], "It swims in salt and in oil and sinks in water."),
        (
            ["inconclusive", "reproduced", "not reproduced"],
            "It swims in water and sinks in oil; in salt this is open.",
        ),
        (
            ["inconclusive", "not reproduced", "inconclusive"],
            "It sinks in water; in salt and in oil this is open.",
        ),
    ],
)
def test_one_sentence_says_what_is_so_of_every_case(verdicts, sentence):
    found = dict(zip(["in salt", "in water", "in oil"], verdicts, strict=True))
    assert by_verdict(found, WHOLE, "It", PARTS) == sentence


def test_the_words_for_what_is_open_may_be_given():
    found = {"salt": "inconclusive", "water": "reproduced"}
    sentence = by_verdict(found, WHOLE, "It", PARTS | {"inconclusive": "who knows of {}"})
    assert sentence == "It swims water; who knows of salt."
