"""How long a run will still take, from what its jobs took in a reference run and in itself."""

import csv
from collections.abc import Collection, Mapping
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

PRIOR_SECONDS = 60.0
"""A run counts as fast as the reference until its own jobs weigh against a minute of the reference's."""
SECONDS_BESIDE = {"gather_parts": 1.0, "take_reference": 1.0, "record_run": 2.0, "write_report": 15.0}
"""What rules take, at most roughly, that no table of costs holds: they serve the tables, or come after it."""


class Estimate(NamedTuple):
    """Seconds until all jobs are done whose length can be told, and the number of the others."""

    seconds: float
    unknown: int


def time_left(
    waiting: Mapping[str, int],
    running: Mapping[str, float],
    finished: Mapping[str, float],
    reference: Mapping[str, float],
    cores: float,
    after: Mapping[str, Collection[str]],
) -> Estimate:
    """What is left to do, shared out over the cores, but no less than jobs that wait for one another.

    A job takes what it took in the reference times this run's pace, which is what its finished jobs took over
    what the same jobs took there. One that the reference lacks takes the mean of finished jobs of its rule,
    or what such rules take that no reference can hold.

    Args:
        waiting: jobs that have not ended, RULE or RULE/PART, and how many cores each keeps to itself.
        running: those of them that have begun, and for how many seconds.
        finished: seconds that jobs of this run took.
        reference: seconds that jobs of the reference run took.
        cores: how many this run has.
        after: the jobs that a job waits for.

    >>> time_left({"train": 1, "judge": 1}, {"train": 20.0}, {}, {"train": 60.0, "judge": 5.0}, 2, {})
    Estimate(seconds=40.0, unknown=0)
    >>> waits = {"judge": ["train"]}
    >>> time_left({"train": 1, "judge": 1}, {"train": 20.0}, {}, {"train": 60.0, "judge": 5.0}, 2, waits)
    Estimate(seconds=45.0, unknown=0)
    """
    pace, means = _pace(finished, reference), SECONDS_BESIDE | _means(finished)
    expected = {job: reference[job] * pace if job in reference else means.get(_rule(job)) for job in waiting}
    left = {
        job: max(seconds - running.get(job, 0.0), 0.0)
        for job, seconds in expected.items()
        if seconds is not None
    }
    shared = sum(seconds * waiting[job] for job, seconds in left.items()) / cores
    return Estimate(max(shared, _longest_chain(left, after)), len(waiting) - len(left))


def read_costs(path: Path) -> dict[str, float]:
    """Seconds by job from a table with the columns job and seconds; nothing if there is no such table."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["job"]: float(row["seconds"]) for row in csv.DictReader(lines)}


def _longest_chain(left: Mapping[str, float], after: Mapping[str, Collection[str]]) -> float:
    """Seconds until the last of jobs ends, if each begins as soon as those that it waits for have ended."""
    ends: dict[str, float] = {}

    def end(job: str) -> float:
        if job not in ends:
            ends[job] = left.get(job, 0.0) + max(map(end, after.get(job, ())), default=0.0)
        return ends[job]

    return max(map(end, left), default=0.0)


def _pace(finished: Mapping[str, float], reference: Mapping[str, float]) -> float:
    both = finished.keys() & reference.keys()
    here, there = (sum(times[job] for job in both) for times in (finished, reference))
    return (PRIOR_SECONDS + here) / (PRIOR_SECONDS + there)


def _means(finished: Mapping[str, float]) -> dict[str, float]:
    """Of each rule, the mean of its jobs."""
    by_rule: dict[str, list[float]] = {}
    for job, seconds in finished.items():
        by_rule.setdefault(_rule(job), []).append(seconds)
    return {rule: fmean(times) for rule, times in by_rule.items()}


def _rule(job: str) -> str:
    return job.partition("/")[0]
