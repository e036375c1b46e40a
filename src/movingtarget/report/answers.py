"""Sentences that follow from verdicts, whatever they are."""

from collections.abc import Mapping

from movingtarget.report.prose import listed

OPEN = "{} this is open"
"""Of cases whose verdict is inconclusive."""


def by_verdict(
    verdicts: Mapping[str, str], all: Mapping[str, str], start: str, some: Mapping[str, str]
) -> str:
    """The sentence for several verdicts: one if they agree, and one that tells them apart if not.

    Args:
        verdicts: by the words for the case of each.
        all: a whole sentence for each verdict, for when all cases have it.
        start: how the sentence begins when they differ.
        some: what is said for either verdict of the cases that have it, the words for which follow; those
            that are inconclusive come last, in a clause in which {} stands for them.

    >>> whole = {"reproduced": "Always.", "not reproduced": "Never.", "inconclusive": "Who knows."}
    >>> parts = {"reproduced": "swims", "not reproduced": "sinks"}
    >>> by_verdict({"in salt": "reproduced", "in fresh water": "reproduced"}, whole, "It", parts)
    'Always.'
    >>> by_verdict({"in salt": "reproduced", "in fresh water": "not reproduced"}, whole, "It", parts)
    'It swims in salt and sinks in fresh water.'
    >>> by_verdict({"in salt": "reproduced", "in fresh water": "inconclusive"}, whole, "It", parts)
    'It swims in salt; in fresh water this is open.'
    """
    found = list(dict.fromkeys(verdicts.values()))
    if len(found) == 1:
        return all[found[0]]
    cases = {
        verdict: listed([words for words, value in verdicts.items() if value == verdict]) for verdict in found
    }
    clauses = [f"{some[verdict]} {cases[verdict]}" for verdict in found if verdict != "inconclusive"]
    still_open = some.get("inconclusive", OPEN).format(cases.get("inconclusive"))
    return f"{start} {listed(clauses)}" + (f"; {still_open}." if "inconclusive" in found else ".")
