"""Claims checked before a run: their ids, tables, columns, values and arms."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import special

from movingtarget.claims.claim import (
    ALONE,
    LEVEL,
    WORDS,
    Claim,
    Conditions,
    arms,
    conditioned,
    confounds,
    families,
    family_of,
    is_word,
    listed,
    measured_of,
)
from movingtarget.declarations import schemas
from movingtarget.names import meant
from movingtarget.statistics.studentised import FEWEST
from movingtarget.tables import Kind


def check_claims(claims: Sequence[Claim]) -> None:
    """Check that the claims make sense: their ids, tables, columns, values and arms.

    Args:
        claims: entries of a claims file, whose form the schema of claims has already checked.

    Raises:
        ValueError: one line naming the claim, the key, its value and what is allowed.
    """
    ids, together = [claim["id"] for claim in claims], families(claims)
    for claim in claims:
        if ids.count(claim["id"]) > 1:
            raise ValueError(
                f"claim {claim['id']}: id is used twice; allowed: an id of its own for each claim"
            )
        if problem := next(_problems(claim, len(together[family_of(claim)])), None):
            raise ValueError(f"claim {claim['id']}: {problem}")


def _problems(claim: Claim, tests: int) -> Iterator[str]:
    """What is wrong with a claim, one of so many tests; what follows a problem takes it as mended."""
    named = [name for name in ("treatment", "control") if name in claim]
    expected = [] if claim["estimand"] in ALONE else ["treatment", "control"]
    if named != expected:
        given = f"estimand is {claim['estimand']} with {' and '.join(named) or 'no arms'}"
        alone = f"{' or '.join(ALONE)} of select alone"
        yield f"{given}; allowed: {alone}, difference or ratio of treatment and control"
    yield from _kind_problems(claim)
    yield from _region_problems(claim, tests)
    for name, (table, conditions) in arms(claim).items():
        yield from _arm_problems(claim, name, table, conditions)
    if claim["estimand"] == "log_slope":
        yield from _depth_problems(claim["select"])
    if "confound" in claim:
        yield from _confound_problems(claim)


def _kind_problems(claim: Claim) -> Iterator[str]:
    kind = claim["kind"]
    if (kind == "question") != ("question" in claim):
        given = f"is {claim['question']}" if "question" in claim else "is missing"
        yield f"question {given}, and kind is {kind}; allowed: a question for kind question, and for no other"


def _region_problems(claim: Claim, tests: int) -> Iterator[str]:
    """A region with two ends wants seeds enough for the interval to fit into it."""
    bounded = "within" in claim["holds_if"]
    if bounded != ("deviation" in claim):
        given = f"is {claim['deviation']}" if "deviation" in claim else "is missing"
        yield f"deviation {given}; allowed: a number with holds_if.within, and with nothing else"
    if not bounded:
        return
    low, high = claim["holds_if"]["within"]
    if low > high:
        yield f"holds_if.within is {[low, high]}; allowed: the lower end first"
    least = least_seeds(high - low, claim["deviation"], tests)
    fits = f"for an interval that fits into it with a deviation of {claim['deviation']} over seeds"
    if least == math.inf:
        yield f"holds_if.within is {[low, high]}; allowed: a wider region, {fits}"
    if claim["seeds"] < least:
        yield f"seeds is {claim['seeds']}; allowed: {least} or more to decide on {[low, high]}, {fits}"


def least_seeds(width: float, deviation: float, tests: int = 1) -> float:
    r"""The least number of seeds whose interval is no wider than a region, from five on.

    It is the least n with $2\, t_{1 - \alpha / 2m,\, n - 1}\, \sigma / \sqrt n \le$ width, alpha 5 %, and
    infinite if none up to 10,000 will do.

    Args:
        width: of the region.
        deviation: sigma, the standard deviation of the estimand over seeds.
        tests: m, of the question; the first step of Holm's correction divides alpha among them.

    >>> least_seeds(0.2, 0.1), least_seeds(0.2, 0.1, tests=4), least_seeds(0.0, 0.0), least_seeds(0.0, 1.0)
    (7, 10, 5, inf)
    """
    seeds = np.arange(FEWEST, 10_001)
    widths = -2 * special.stdtrit(seeds - 1, LEVEL / 2 / tests) * deviation / np.sqrt(seeds)
    enough = seeds[widths <= width]
    return int(enough[0]) if len(enough) else math.inf


def _arm_problems(claim: Claim, name: str, table: str, conditions: Conditions) -> Iterator[str]:
    own = claim[name]
    yield from _table_problems(f"{name}.table" if "table" in own else "table", table)
    yield from _column_problems("column", claim.get("column"), "value", table)
    yield from _quantity_problems(name, table, conditions)
    for column, value in conditions.items():
        yield from _condition_problems(name if column in own else "select", column, value, table)


def _depth_problems(select: Conditions) -> Iterator[str]:
    depths = listed(select.get("depth", []))
    if len(depths) < 2 or min(depths) < 1:
        given = f"is {select['depth']}" if "depth" in select else "is missing"
        yield f"select.depth {given}; allowed: a list of at least two depths from 1 on for a log_slope"


def _confound_problems(claim: Claim) -> Iterator[str]:
    given = claim["confound"]
    table = given["table"]
    yield from _table_problems("confound.table", table)
    yield from _column_problems("confound.column", given.get("column"), "gradient_norm", table)
    yield from _quantity_problems("confound", table, given)
    for conditions in filter(None, confounds(claim)):
        for column, value in conditions.items():
            yield from _condition_problems("confound", column, value, table)


def _table_problems(key: str, table: str) -> Iterator[str]:
    allowed = [known for known, columns in schemas().items() if "seed" in columns and measured_of(known)]
    if table not in allowed:
        yield f"{key} is {table}{meant(table, allowed)}; allowed: {', '.join(allowed)}"


def _column_problems(key: str, column: str | None, default: str, table: str) -> Iterator[str]:
    allowed = measured_of(table)
    if (column or default) not in allowed:
        given = f"is {column}{meant(column, allowed)}" if column else f"is missing, so {default}"
        yield f"{key} {given}, which {table} has not measured; allowed: {', '.join(allowed)}"


def _quantity_problems(name: str, table: str, conditions: Conditions) -> Iterator[str]:
    quantities = conditioned(table).get("quantity")
    if quantities and "quantity" not in conditions:
        yield f"{name}.quantity is missing; allowed: {_allowed('quantity', quantities)}"


def _condition_problems(name: str, column: str, value: object, table: str) -> Iterator[str]:
    key, columns = f"{name}.{column}", conditioned(table)
    if column in measured_of(table):
        yield f"{key} is measured in {table}, no condition; allowed: {', '.join(columns)}"
    if column not in columns:
        yield f"{key} is no column of {table}{meant(column, columns)}; allowed: {', '.join(columns)}"
    wrong = [item for item in listed(value) if not _fits(item, columns[column])]
    if wrong and not is_word(column, value):
        allowed = _allowed(column, columns[column])
        yield f"{key} is {wrong[0]!r}{meant(wrong[0], allowed.split(', '))}; allowed: {allowed}"


def _fits(value: object, kind: Kind) -> bool:
    if isinstance(kind, tuple):
        return value in kind
    return isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)


def _allowed(column: str, kind: Kind) -> str:
    names = {int: "a whole number", float: "a number such as 0.001 or 1.0e-3", str: "text"}
    words = kind if isinstance(kind, tuple) else (names[kind], *WORDS.get(column, {}))
    return ", ".join(words)
