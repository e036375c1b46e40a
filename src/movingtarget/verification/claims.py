"""A claim of a new run beside the same claim of a run that was kept."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from movingtarget.claims.claim import Claim, arms, listed
from movingtarget.claims.judge import by_seed
from movingtarget.verification.cells import ABSOLUTE, RELATIVE, compare_cells
from movingtarget.verification.outcome import SECONDS, Outcome, Status

Verdict = Mapping[str, Any]
"""A row of the table of verdicts."""

Read = Callable[[str], pd.DataFrame]
"""Reads a table by name."""

CONTRARY = {"reproduced", "not reproduced"}

SAID = ["estimate", "low", "high", "verdict"]


def measured_in_seconds(claim: Claim) -> bool:
    """Whether a claim is about time, which no two runs agree on."""
    budgets = [budget for _, arm in arms(claim).values() for budget in listed(arm.get("budget", ""))]
    return claim.get("column") in SECONDS or not {*SECONDS}.isdisjoint(budgets)


def is_identical(reference: Verdict, new: Verdict) -> bool:
    """Whether two verdicts say the same to the last digit."""
    return pd.Series(reference)[SAID].equals(pd.Series(new)[SAID])


def compare_claim(
    claim: Claim,
    verdicts: tuple[Verdict, Verdict],
    tables: tuple[Read, Read],
    level: float,
) -> Outcome:
    """Say of a claim whether it is identical to that of the reference, within its interval, or different.

    What its seeds contribute to the estimate is one cell, judged as those of a table are (see
    `movingtarget.verification.tables`). A claim that was reproduced and is not, or the other way round, is
    different whatever the interval, and so is one that says something else of the same numbers. Any change
    of the verdict is told.

    Args:
        claim: as registered.
        verdicts: of the reference and of the new run.
        tables: of each, read by name, unless the verdicts are identical.
        level: the chance that it is called different where only chance differs.
    """
    if measured_in_seconds(claim):
        return Outcome("claim", claim["id"], "exempt", told="measured in seconds")
    if is_identical(*verdicts):
        return Outcome("claim", claim["id"], "identical")
    names = {table for table, _ in arms(claim).values()}
    reference, new = (by_seed(claim, {table: read(table) for table in names}) for read in tables)
    told = _told(*verdicts)
    if np.array_equal(reference, new, equal_nan=True) and not _agree(*verdicts):
        told = f"{told}; from equal tables"
        return Outcome("claim", claim["id"], "different", told=told)
    if len(reference) != len(new):
        told = f"{len(new)} seeds, reference {len(reference)}; {told}"
        return Outcome("claim", claim["id"], "different", told=told)
    cell = compare_cells(np.zeros(len(new), dtype=np.int64), reference, new).iloc[0]
    contrary = {verdict["verdict"] for verdict in verdicts} == CONTRARY
    status: Status = "different" if contrary or cell["chance"] < level else "within"
    return Outcome("claim", claim["id"], status, 1, int(cell["outside"]), float(cell["chance"]), told)


def _agree(reference: Verdict, new: Verdict) -> bool:
    """Whether verdicts are the same, with numbers equal to rounding."""
    was, now = ([float(verdict[key]) for key in SAID[:-1]] for verdict in (reference, new))
    close = np.allclose(was, now, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    return close and reference["verdict"] == new["verdict"]


def _told(reference: Verdict, new: Verdict) -> str:
    was, now = reference["verdict"], new["verdict"]
    return f"{_interval(new)}, reference {_interval(reference)}" + (
        f"; verdict {now}, reference {was}" if now != was else ""
    )


def _interval(verdict: Verdict) -> str:
    return f"{verdict['estimate']:.3g} [{verdict['low']:.3g}, {verdict['high']:.3g}]"
