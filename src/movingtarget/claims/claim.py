"""What a claim says: its arms, and the conditions on the rows of each."""

from collections.abc import Sequence
from typing import Any

from movingtarget.declarations import schemas
from movingtarget.tables import Kind, of_role

Claim = dict[str, Any]
Conditions = dict[str, Any]

SCALES = ("smoke", "default", "paper")

KINDS = ("paper", "question", "check")
"""A sentence of a paper, a question of this report, and what cannot fail if the code is right."""

LEVEL = 0.05
"""Of a question's tests, taken together: the chance that one of them decides wrongly."""

ESTIMANDS = ("mean", "difference", "ratio", "log_slope")

ALONE = ("mean", "log_slope")
"""Estimands of select alone, without treatment and control."""

WORDS = {
    "step": {"first": "min", "last": "max"},
    "epoch": {"first": "min", "last": "max"},
    "learning_rate": {"smallest": "min", "largest": "max"},
}
"""Conditions that name an extreme of the rows an arm has."""


def arms(claim: Claim) -> dict[str, tuple[str, Conditions]]:
    """Table and conditions of each arm."""
    if claim["estimand"] in ALONE:
        return {"select": (claim["table"], claim["select"])}
    return {
        name: (
            claim[name].get("table", claim["table"]),
            {**claim["select"], **{key: value for key, value in claim[name].items() if key != "table"}},
        )
        for name in ("treatment", "control")
    }


def confounds(claim: Claim) -> list[Conditions | None]:
    """Conditions of each arm on the confound's table: those that it has, and the confound's own.

    None for an arm of which the table has no condition, noise for one: it has no such confound.
    """
    given = claim["confound"]
    own = {column: value for column, value in given.items() if column not in ("table", "column")}
    known = conditioned(given["table"])
    shared = [
        {column: value for column, value in arm.items() if column in known} for _, arm in arms(claim).values()
    ]
    return [{**conditions, **own} if conditions else None for conditions in shared]


def families(claims: Sequence[Claim]) -> dict[str, list[Claim]]:
    """The claims that are judged together: those of one question, any other alone."""
    together: dict[str, list[Claim]] = {}
    for claim in claims:
        together.setdefault(family_of(claim), []).append(claim)
    return together


def family_of(claim: Claim) -> str:
    """What a claim is judged together with: its question, or nothing but itself."""
    return f"question {claim['question']}" if "question" in claim else f"claim {claim['id']}"


def measured_of(table: str) -> list[str]:
    """A table's measured columns."""
    return [*of_role(schemas()[table], "measured")]


def conditioned(table: str) -> dict[str, Kind]:
    """A table's columns that conditions may name."""
    named = of_role(schemas()[table], "key", "follows")
    return {column: kind for column, kind in named.items() if column != "seed"}


def is_word(column: str, value: object) -> bool:
    """Whether a condition names an extreme."""
    return isinstance(value, str) and value in WORDS.get(column, {})


def listed(value: Any) -> list[Any]:
    """A condition's values."""
    return value if isinstance(value, list) else [value]
