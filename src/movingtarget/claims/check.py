"""Claims checked before a run: their ids, tables, columns, values and arms."""

from collections.abc import Iterator, Sequence

from movingtarget.claims.claim import (
    ALONE,
    WORDS,
    Claim,
    Conditions,
    arms,
    choosing,
    conditioned,
    confounds,
    is_word,
    listed,
    measured_of,
)
from movingtarget.declarations import schemas
from movingtarget.names import meant
from movingtarget.tables import Kind


def check_claims(claims: Sequence[Claim]) -> None:
    """Check that the claims make sense: their ids, tables, columns, values and arms.

    Args:
        claims: entries of a claims file, whose form the schema of claims has already checked.

    Raises:
        ValueError: one line naming the claim, the key, its value and what is allowed.
    """
    ids = [claim["id"] for claim in claims]
    for claim in claims:
        if ids.count(claim["id"]) > 1:
            raise ValueError(
                f"claim {claim['id']}: id is used twice; allowed: an id of its own for each claim"
            )
        if problem := next(_problems(claim), None):
            raise ValueError(f"claim {claim['id']}: {problem}")


def _problems(claim: Claim) -> Iterator[str]:
    """What is wrong with a claim; what follows a problem takes it as mended."""
    named = [name for name in ("treatment", "control") if name in claim]
    expected = [] if claim["estimand"] in ALONE else ["treatment", "control"]
    if named != expected:
        given = f"estimand is {claim['estimand']} with {' and '.join(named) or 'no arms'}"
        alone = f"{' or '.join(ALONE)} of select alone"
        yield f"{given}; allowed: {alone}, difference or ratio of treatment and control"
    low, high = claim["holds_if"].get("within", (0, 0))
    if low > high:
        yield f"holds_if.within is {[low, high]}; allowed: the lower end first"
    for name, (table, conditions) in arms(claim).items():
        yield from _arm_problems(claim, name, table, conditions)
    if claim["estimand"] == "log_slope":
        yield from _depth_problems(claim["select"])
    if "confound" in claim:
        yield from _confound_problems(claim)


def _arm_problems(claim: Claim, name: str, table: str, conditions: Conditions) -> Iterator[str]:
    own = claim[name]
    yield from _table_problems(f"{name}.table" if "table" in own else "table", table)
    yield from _column_problems("column", claim.get("column"), "value", table)
    if "learning_rate" in claim and choosing(table) is None:
        known = ", ".join(filter(choosing, schemas()))
        yield f"learning_rate is best, but {table} has no training losses; allowed: only with {known}"
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
