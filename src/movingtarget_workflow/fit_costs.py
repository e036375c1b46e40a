"""Rates of work, from what jobs of finished runs took: python -m movingtarget_workflow.fit_costs FOLDER..."""

import csv
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from movingtarget.work import NOTHING, Work
from movingtarget_workflow.costs import MADE_BY, OTHER, RATES, Cost, Rates, work_of
from movingtarget_workflow.plan import STUDIES, jobs_of
from movingtarget_workflow.reference import kept_settings
from movingtarget_workflow.settings import SettingsError

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

STIFFNESS = 0.2
"""How much a rule's logarithms weigh that lie off those of all, beside those of a job that is missed."""

SCALE = np.array([1e9, 1e9, 1e6])
"""Products, elements and calls are counted in these."""


class Took(NamedTuple):
    """What a job of a finished run took."""

    rule: str
    work: Work
    seconds: float
    memory: float


def took(folder: Path) -> Iterator[Took]:
    """Every job of a run, of its results folder or of what is kept of it, beside the work it had.

    Raises:
        SettingsError: settings or costs are not there, or are those of other code, or a job has none.
    """
    settings, costs = kept_settings(folder), measured(folder / "costs.csv")
    for name, study in STUDIES.items():
        try:
            jobs = jobs_of(name, settings)
        except KeyError as error:
            raise SettingsError(
                f"{folder / 'settings.yaml'} lacks {error}; allowed: the settings of a run of this code"
            ) from None
        for part, job in jobs.items():
            if found := costs.pop(f"{study.rule}/{part}".rstrip("/"), None):
                yield Took(study.rule, work_of(name, job, settings), *found)
    yield from (Took(rule, NOTHING, *cost) for rule, cost in costs.items())


def measured(table: Path) -> dict[str, Cost]:
    """What each job cost, from a table costs."""
    if not table.is_file():
        raise SettingsError(f"there is no {table}; allowed: the folder of a finished run")
    with table.open(encoding="utf-8", newline="") as lines:
        rows = [*csv.DictReader(lines)]
    return {row["job"]: Cost(*(_number(table, row, column) for column in Cost._fields)) for row in rows}


def _number(table: Path, row: Mapping[str, str], column: str) -> float:
    try:
        found = float(row[column])
    except (KeyError, ValueError):
        found = math.nan
    if not 0 < found < math.inf:
        raise SettingsError(
            f"{table}: {column} of {row['job']} is {row.get(column) or 'missing'}; "
            "allowed: a number above 0, as of a job that has run"
        )
    return found


def fitted(jobs: Sequence[Took]) -> dict[str, Rates]:
    """Rates by rule: by least squares on logarithms, or, where there is no work, what it took at most.

    Studies whose jobs are not among these have the usual rates, which are there as `OTHER`, too.
    """
    studied = [job for job in jobs if job.work != NOTHING]
    others = sorted({*jobs} - {*studied}, key=lambda job: job.seconds)
    beside = {job.rule: Rates(job.seconds, memory=job.memory) for job in others}
    rules = sorted({job.rule for job in studied})
    place = np.array([rules.index(job.rule) for job in studied])
    counts = np.array([[job.work.products, job.work.elements, job.work.calls] for job in studied]) / SCALE
    held = np.array([[job.work.held] for job in studied]) / 1e6
    seconds = _fit(counts, place, np.array([job.seconds for job in studied]))
    memory = _fit(held, place, np.array([job.memory for job in studied]))
    found = {rule: Rates(*seconds[number], *memory[number]) for number, rule in enumerate(rules)}
    usual = Rates(*np.median(seconds, 0), *np.median(memory, 0))
    return {OTHER: usual} | {study.rule: usual for study in STUDIES.values()} | beside | found


def _fit(counts: Numbers, place: Places, measured: Numbers) -> Numbers:
    r"""Of each rule its start and what it pays for each kind of work, `(rules, 1 + kinds)`.

    What was measured is told by $s_r + f_r \sum_k p_k c_k$, with prices p that all rules share. The start s
    is at most the least that was measured, and near it, and the factor f near 1, as far as the jobs allow.
    """
    rules, kinds = int(place.max()) + 1, counts.shape[1]
    least = np.array([measured[place == rule].min() for rule in range(rules)])

    def parts(logs: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        starts, factors, prices = np.split(np.exp(logs), [rules, 2 * rules])
        return starts * least, factors, prices

    def misses(logs: Numbers) -> Numbers:
        starts, factors, prices = parts(logs)
        told = starts[place] + factors[place] * (counts @ prices)
        return np.concatenate([np.log(told / measured), STIFFNESS * logs[: 2 * rules]])

    highest = np.concatenate([np.zeros(rules), np.full(rules + kinds, np.inf)])
    reached = least_squares(misses, np.full(2 * rules + kinds, -0.1), bounds=(-np.inf, highest))
    starts, factors, prices = parts(reached.x)
    return np.column_stack([starts, factors[:, None] * prices])


def write(rates: Mapping[str, Rates], path: Path = RATES) -> None:
    """The table of rates."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["rule", *Rates._fields])
        for rule, values in sorted(rates.items()):
            writer.writerow([rule, *(f"{value:.3g}" for value in values)])


def main(folders: Sequence[str]) -> None:
    """Fit rates to runs and write their table; stop with one clear line if that cannot be."""
    try:
        if not folders:
            raise SettingsError(f"no folders are named; allowed: `{MADE_BY}`, folders of finished runs")
        write(fitted([job for folder in folders for job in took(Path(folder))]))
    except SettingsError as error:
        sys.exit(f"Moving Target: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
