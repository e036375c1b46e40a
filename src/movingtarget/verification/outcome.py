"""What is said of a table or a claim that was set beside that of another run."""

from typing import Literal, NamedTuple

Status = Literal["different", "within", "identical", "exempt"]

WORST_FIRST: tuple[Status, ...] = ("different", "within", "identical", "exempt")

LEVEL = 0.05
"""The chance that any table of a run is called different, or any claim, where only chance differs."""

SECONDS = ("seconds", "second", "long-second")
"""Columns, and budgets, that are measured in seconds: no two runs agree on them."""


class Outcome(NamedTuple):
    """A table or a claim beside that of the run that was kept.

    Attributes:
        kind: "table" or "claim".
        name: of it.
        status: identical, within the prediction intervals or explained by chance, different, or exempt for
            being measured in seconds.
        cells: measurements that were compared, each over its seeds.
        outside: those beyond their prediction interval.
        chance: that it differs so much by chance, before it is one of many.
        told: what differs most, in words.
    """

    kind: Literal["table", "claim"]
    name: str
    status: Status
    cells: int = 0
    outside: int = 0
    chance: float = 1.0
    told: str = ""
