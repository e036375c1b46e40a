"""Sentences that follow from verdicts, whatever they are."""

from collections.abc import Mapping

from movingtarget.report.prose import listed

DECIDED = ("reproduced", "not reproduced")
OPEN = {"inconclusive": "it is open"}


def by_verdict(
    verdicts: Mapping[str, str], all: Mapping[str, str], start: str, some: Mapping[str, str]
) -> str:
    """The sentence for several verdicts: one if they agree, and one that tells them apart if not.

    Args:
        verdicts: by the words for the case of each.
        all: a whole sentence for each verdict, for when all cases have it.
        start: how the sentence begins when they differ.
        some: what is said for either verdict of the cases that have it, the words for which follow; of those
            that are inconclusive, in the end, "it is open" unless it says something else.

    >>> whole = {"reproduced": "Always.", "not reproduced": "Never.", "inconclusive": "Who knows."}
    >>> parts = {"reproduced": "swims", "not reproduced": "sinks"}
    >>> by_verdict({"in salt": "reproduced", "in fresh water": "reproduced"}, whole, "It", parts)
    'Always.'
    >>> by_verdict({"in salt": "reproduced", "in fresh water": "not reproduced"}, whole, "It", parts)
    'It swims in salt and sinks in fresh water.'
    >>> by_verdict({"in salt": "reproduced", "in fresh water": "inconclusive"}, whole, "It", parts)
    'It swims in salt; it is open in fresh water.'
    """
    found = list(dict.fromkeys(verdicts.values()))
    if len(found) == 1:
        return all[found[0]]
    clauses = {
        verdict: f"{phrase} {listed([words for words, value in verdicts.items() if value == verdict])}"
        for verdict, phrase in (OPEN | dict(some)).items()
        if verdict in found
    }
    still_open = f"; {clauses['inconclusive']}" if "inconclusive" in found else ""
    return f"{start} {listed([clauses[verdict] for verdict in found if verdict in DECIDED])}{still_open}."
