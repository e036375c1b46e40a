"""Words within the report's sentences that follow from claims, whatever their verdicts."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from movingtarget.report import prose
from movingtarget.report.answers import by_verdict
from movingtarget.report.early_steps import verdicts_of
from movingtarget.report.locoprop import by_budget

Claim = dict[str, Any]


def sentences(claims: Mapping[str, Claim]) -> dict[str, Any]:
    """What the text may call to speak of claims, by name; `claims` by id.

    Each takes a claim's id first. `told` and `judged` take the words for reproduced, not reproduced and
    inconclusive: `told` gives them alone, `judged` with verdict and number behind them. `found` is the
    verdict with its number, `estimate` the number alone, `found_for` several claims told apart, `decided`
    how many of several, named in one list, are not inconclusive, `registered` names those of papers,
    `tests_of` those of our questions, `verdicts_for` the verdicts of several, by the words for each, as
    `by_verdict` takes them.
    """
    return {
        "claims": claims,
        "told": partial(told, claims),
        "judged": lambda name, *words: f"{told(claims, name, *words)} ({found(claims, name)})",
        "found": partial(found, claims),
        "found_for": partial(found_for, claims),
        "estimate": lambda name: estimate(claims[name]),
        "decided": partial(decided, claims),
        "registered": lambda *papers: registered(claims, *papers),
        "tests_of": partial(tests_of, claims),
        "by_verdict": by_verdict,
        "verdicts_of": partial(verdicts_of, claims),
        "verdicts_for": lambda names: {words: claims[name]["verdict"] for words, name in names.items()},
        "by_budget": partial(by_budget, claims),
    }


def found(claims: Mapping[str, Claim], name: str) -> str:
    """A claim's verdict with its estimate, for use within a sentence."""
    claim = claims[name]
    return f"{prose.verdict(claim['verdict'])} ({estimate(claim)}, {claim['seeds']} seeds)"


def told(claims: Mapping[str, Claim], name: str, yes: str, no: str, still_open: str) -> str:
    """The words for a claim's verdict: reproduced, not reproduced or inconclusive."""
    return dict(zip(prose.VERDICTS, (yes, no, still_open), strict=True))[claims[name]["verdict"]]


def decided(claims: Mapping[str, Claim], names: Sequence[str]) -> str:
    """How many of several tests have a verdict other than inconclusive.

    >>> claims = {"a": {"verdict": "reproduced"}, "b": {"verdict": "inconclusive"}}
    >>> decided(claims, ["a", "b"]), decided(claims, ["a"]), decided(claims, ["b"])
    ('1 of 2 tests is decided', 'the one test is decided', 'the one test is undecided')
    """
    count = sum(claims[name]["verdict"] != "inconclusive" for name in names)
    if len(names) == 1:
        return f"the one test is {'decided' if count else 'undecided'}"
    return f"{count} of {len(names)} tests {'is' if count == 1 else 'are'} decided"


def registered(claims: Mapping[str, Claim], *papers: str) -> list[str]:
    """The claims and questions on some papers, by name; checks are none.

    >>> claims = {"a": {"paper": "he2015", "kind": "paper"}, "b": {"paper": "he2015", "kind": "check"}}
    >>> registered(claims, "he2015"), registered(claims, "zhang2019")
    (['a'], [])
    """
    return [name for name, it in claims.items() if it["paper"] in papers and it["kind"] != "check"]


def tests_of(claims: Mapping[str, Claim], *questions: str) -> list[str]:
    """The tests of some of our questions, by name.

    >>> tests_of({"a": {"question": "why"}, "b": {"question": "how"}, "c": {"question": None}}, "why")
    ['a']
    """
    return [name for name, it in claims.items() if it["question"] in questions]


FOUND_FOR = {
    "reproduced": "it is so for",
    "not reproduced": "it is not so for",
    "inconclusive": "it stays open for",
    "undefined": "it is undefined for",
}


def found_for(claims: Mapping[str, Claim], names: Mapping[str, str]) -> str:
    """Which of several arms a claim holds for, whatever the verdicts, as the rest of a sentence.

    Args:
        claims: by id.
        names: the claim's id of each arm, by what the text calls the arm.
    """
    phrases = [
        f"{phrase} {prose.listed(arms)}"
        for verdict, phrase in FOUND_FOR.items()
        if (arms := [arm for arm, name in names.items() if _outcome(claims[name]) == verdict])
    ]
    return "; ".join(phrases)


def _outcome(claim: Claim) -> str:
    """The verdict, or that what was measured is undefined."""
    return "undefined" if claim["seeds"] > 0 and np.isnan(claim["estimate"]) else str(claim["verdict"])


def estimate(claim: Claim) -> str:
    """A claim's estimate with its interval."""
    if claim["seeds"] < 2:
        return "not measured"
    return prose.interval(claim["estimate"], claim["low"], claim["high"])


def records(claims: pd.DataFrame) -> list[Claim]:
    """The rows of the table of verdicts, one by one."""
    return [{str(key): value for key, value in row.items()} for row in claims.to_dict("records")]
