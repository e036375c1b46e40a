"""Sets a finished run beside the one in git: identical, within its prediction intervals, or different.

Usage: python -m movingtarget_workflow.verify [RESULTS] [--reference FOLDER]

The exit status is 0 if nothing is different, 1 if something is, and 2 if the two cannot be compared. What is
compared, and what counts as different, `movingtarget.verification.tables` says.
"""

import argparse
import functools
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movingtarget.declarations import schemas
from movingtarget.tables import read_table
from movingtarget_workflow.plan import TABLES
from movingtarget_workflow.reference import check_kept, kept_settings, kept_table, unpacked
from movingtarget_workflow.run import claims_of
from movingtarget_workflow.settings import SettingsError
from movingtarget_workflow.sources import PROJECT

if TYPE_CHECKING:
    import pandas as pd

    from movingtarget.verification.outcome import Outcome

LINES = 20
"""Of the terminal: so many tables and claims are told of, the worst."""

LEAST_NAME = 12
"""Letters of their names that are shown on the narrowest terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, tell, and return the exit status."""
    parser = argparse.ArgumentParser(prog="verify", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"), help="of the finished run")
    parser.add_argument("--reference", type=Path, help="default: results/reference/SCALE of this project")
    chosen = parser.parse_args(arguments)
    file = chosen.results / "verification.csv"
    try:
        file.unlink(missing_ok=True)  # of an earlier comparison
        outcomes = verify(chosen.results, chosen.reference)
    except (ValueError, OSError) as error:
        print(f"cannot be compared: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    _as_table(outcomes).to_csv(file, index=False, lineterminator="\n")
    width = shutil.get_terminal_size((110, 24)).columns if sys.stdout.isatty() else sys.maxsize
    print("\n".join(summary(outcomes, width)), f"The whole: {file}", sep="\n")
    return int(any(outcome.status == "different" for outcome in outcomes))


def verify(results: Path, reference: Path | None = None) -> "list[Outcome]":
    """What is to be said of each table and each claim of a run, the worst first.

    Args:
        results: the folder of a finished run.
        reference: that of a run that was kept; by default the project's of the run's scale.

    Raises:
        SettingsError: the run is not finished, there is no reference, or it had other settings; one line.
        ValueError: a table is not what its schema says; one line.
    """
    from movingtarget.verification.outcome import WORST_FIRST

    settings = _settings_of_run(results)
    reference = reference or PROJECT / f"results/reference/{settings['scale']}"
    if not reference.is_dir():
        raise SettingsError(f"there is no reference {reference}")
    check_kept(reference, TABLES)
    if not (reference / "claims.csv").is_file():
        raise SettingsError(
            f"{reference} has no claims.csv; allowed: a folder that `snakemake -- reference` made"
        )
    _check_settings(kept_settings(reference), settings)
    outcomes = [*_tables(results, reference), *_claims(results, reference)]
    return sorted(outcomes, key=lambda one: (WORST_FIRST.index(one.status), one.chance, -one.outside))


def summary(outcomes: "Sequence[Outcome]", width: int) -> Iterator[str]:
    """Lines of so many letters: what is not identical, worst first, at most a screen of it, then counts."""
    telling = [outcome for outcome in outcomes if outcome.status in ("different", "within") and outcome.told]
    for outcome in telling[:LINES]:
        outside = f"{outcome.outside} of {outcome.cells} outside; " if outcome.outside else ""
        before, after = f"{outcome.status:9}  {outcome.kind} ", f": {outside}{outcome.told}"
        room = max(width - len(before) - len(after), LEAST_NAME)
        name = outcome.name if len(outcome.name) <= room else f"{outcome.name[: room - 3]}..."
        yield f"{before}{name}{after}"[:width]
    if len(telling) > LINES:
        yield f"... and {len(telling) - LINES} more"
    for kind in ("table", "claim"):
        counts = Counter(outcome.status for outcome in outcomes if outcome.kind == kind)
        yield f"{kind}s: " + ", ".join(f"{count} {status}" for status, count in counts.items())


def _settings_of_run(results: Path) -> dict[str, Any]:
    needed = [results / "settings.yaml", *(results / f"tables/{table}.csv" for table in [*TABLES, "claims"])]
    if missing := [file for file in needed if not file.is_file()]:
        raise SettingsError(
            f"there is no {missing[0]}; allowed: the folder of a finished run, as `make` leaves"
        )
    return kept_settings(results)


def _check_settings(reference: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raise SettingsError with the first key that differs, and how many more do."""
    was, now = dict(_flat(reference)), dict(_flat(settings))
    if differing := [key for key in {**was, **now} if was.get(key) != now.get(key)]:
        key, more = differing[0], len(differing) - 1
        others = "" if more == 0 else " (one more differs)" if more == 1 else f" ({more} more differ)"
        raise SettingsError(
            f"{key} is {now.get(key, 'missing')} in this run "
            f"and {was.get(key, 'missing')} in the reference{others}"
        )


def _flat(settings: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every setting by its dotted path, lists as wholes."""
    if not isinstance(settings, Mapping):
        yield path, json.dumps(settings)
        return
    for key, value in settings.items():
        yield from _flat(value, f"{path}.{key}" if path else str(key))


def _tables(results: Path, reference: Path) -> "Iterator[Outcome]":
    from movingtarget.verification.outcome import LEVEL, Outcome
    from movingtarget.verification.tables import compare_table

    for table in TABLES:
        kept, new = kept_table(table, reference), results / f"tables/{table}.csv"
        if unpacked(kept) == new.read_bytes():
            yield Outcome("table", table, "identical")
        else:
            frames = _table(reference, table, kept=True), _table(results, table, kept=False)
            yield compare_table(table, schemas()[table], *frames, LEVEL / len(TABLES))


def _claims(results: Path, reference: Path) -> "Iterator[Outcome]":
    from movingtarget.verification.claims import compare_claim
    from movingtarget.verification.outcome import LEVEL, Outcome

    claims = {claim["id"]: claim for claim in claims_of()}
    was, now = (_verdicts(file) for file in (reference / "claims.csv", results / "tables/claims.csv"))
    for name in {**was, **now}:
        known = {"registered": claims, "in the reference": was, "in this run": now}
        if lacking := [where for where, among in known.items() if name not in among]:
            yield Outcome("claim", name, "different", told=f"not {lacking[0]}")
            continue
        kept = functools.partial(_table, reference, kept=True)
        new = functools.partial(_table, results, kept=False)
        yield compare_claim(claims[name], (was[name], now[name]), (kept, new), LEVEL / len(claims))


@functools.cache
def _table(folder: Path, table: str, kept: bool) -> "pd.DataFrame":
    """A table of the reference, or of a run."""
    return read_table(kept_table(table, folder) if kept else folder / f"tables/{table}.csv", schemas()[table])


def _verdicts(file: Path) -> dict[str, dict[str, Any]]:
    """A row of the table of verdicts for each claim."""
    from movingtarget.claims.judge import VERDICTS

    rows = read_table(file, VERDICTS).to_dict("records")
    return {row["claim"]: {str(key): value for key, value in row.items()} for row in rows}


def _as_table(outcomes: "Sequence[Outcome]") -> "pd.DataFrame":
    import pandas as pd

    from movingtarget.verification.outcome import Outcome

    return pd.DataFrame(outcomes, columns=Outcome._fields)


if __name__ == "__main__":
    sys.exit(main())
