"""What a tool says of a case."""

from typing import NamedTuple


class Told(NamedTuple):
    """One warning.

    Attributes:
        words: the tool's own, without numbers and names of layers.
        meant: the faults that it may mean, by the names of the probe's findings.
        warns: whether the tool calls it a problem; else it prints a number that tells of one who reads it.
    """

    words: str
    meant: frozenset[str]
    warns: bool = True


class Answer(NamedTuple):
    """All that a tool says of a case.

    Attributes:
        told: its warnings.
        problem: why it says nothing, or not all that it could; empty if there is no reason.
    """

    told: tuple[Told, ...]
    problem: str = ""


def meaning(words: str, meanings: dict[str, str], warns: bool = True) -> Told:
    """A warning with the faults that a table of the tool's words, by how they begin, has for it."""
    (meant,) = [meant for begin, meant in meanings.items() if words.startswith(begin)]
    return Told(words, frozenset(meant.split()), warns)
