"""What a claim says: its arms, and the conditions on the rows of each."""

from typing import Any

from movingtarget.declarations import schemas
from movingtarget.tables import Kind, columns, of_role

Claim = dict[str, Any]
Conditions = dict[str, Any]

SCALES = ("smoke", "default", "paper")

ESTIMANDS = ("mean", "difference", "ratio", "log_slope")

ALONE = ("mean", "log_slope")
"""Estimands of select alone, without treatment and control."""

WORDS = {"step": {"first": "min", "last": "max"}, "learning_rate": {"smallest": "min", "largest": "max"}}
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


def choosing(table: str) -> tuple[Conditions, str] | None:
    """The losses that choose an arm's best learning rate: conditions on a table's rows, and the column.

    Those are the last of its training losses, or where the step follows from other columns, as from a
    budget, all. None for a table without training losses of several learning rates.
    """
    found = columns(schemas()[table])
    keys = of_role(schemas()[table], "key")
    last: Conditions = {"step": "last"} if "step" in keys else {}
    if "learning_rate" in keys and "train_loss" in found:
        return last, "train_loss"
    if "learning_rate" in keys and "train_loss" in _texts(keys.get("quantity", ())):
        return {"quantity": "train_loss", **last}, "value"
    return None


def _texts(kind: Kind) -> tuple[str, ...]:
    return kind if isinstance(kind, tuple) else ()


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
