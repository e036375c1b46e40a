"""What a run will cost, as a table by chapter."""

import math
from collections.abc import Collection, Iterator, Mapping

from movingtarget_workflow.chapters import chapter_of_job
from movingtarget_workflow.costs import Cost
from movingtarget_workflow.progress import duration
from movingtarget_workflow.time_left import time_left

LONGEST_NAME = 52
"""Letters of a job's name that are shown."""


def cost_table(
    planned: Mapping[str, int],
    after: Mapping[str, Collection[str]],
    costs: Mapping[str, Cost],
    cores: float,
) -> list[str]:
    r"""Lines of a table of the chapters whose jobs are planned, the dearest first, and of them all.

    Args:
        planned: how many cores each job, RULE or RULE/PART, keeps to itself.
        after: the jobs that each waits for.
        costs: by job; those without are in the number of jobs alone.
        cores: of the run; infinite on a cluster.

    >>> print(*cost_table({"judge_claims": 1}, {}, {"judge_claims": Cost(90.0, 205.0)}, cores=2), sep="\n")
    Chapter       Jobs  Core minutes  Longest job          Memory
    Judge claims     1             2  2 min, judge_claims  0.2 GB
    All              1             2  2 min, judge_claims  0.2 GB
    About 2 min on 2 cores, if they are as fast as those of results/reference.
    """
    chapters: dict[str, list[str]] = {}
    for job in planned:
        chapters.setdefault(chapter_of_job(job), []).append(job)
    known = {job: costs[job] for job in planned if job in costs}
    in_hours = sum(cost.seconds for cost in known.values()) > 7200
    head = ["Chapter", "Jobs", f"Core {'hours' if in_hours else 'minutes'}", "Longest job", "Memory"]
    dearest = sorted(chapters, key=lambda chapter: (-_seconds(chapters[chapter], known), chapter))
    rows = [_row(chapter, chapters[chapter], known, in_hours) for chapter in dearest]
    seconds = {job: cost.seconds for job, cost in known.items()}
    left = duration(time_left(planned, {}, {}, seconds, cores, after).seconds)
    return [
        *_aligned([head, *rows, _row("All", [*planned], known, in_hours)]),
        f"{_lasting(left, cores)} as fast as those of results/reference.",
    ]


def _lasting(left: str, cores: float) -> str:
    if math.isinf(cores):
        return f"At least {left} on a cluster, for jobs wait for others, if its cores are"
    return f"About {left} on {f'{cores} cores, if they are' if cores > 1 else '1 core, if it is'}"


def _seconds(jobs: list[str], known: Mapping[str, Cost]) -> float:
    return sum(known[job].seconds for job in jobs if job in known)


def _row(title: str, jobs: list[str], known: Mapping[str, Cost], in_hours: bool) -> list[str]:
    costs = {job: known[job] for job in jobs if job in known}
    if not costs:
        return [title, f"{len(jobs)}", "?", "?", "?"]
    longest = min(costs, key=lambda job: (-costs[job].seconds, job))
    seconds, memory = _seconds(jobs, known), max(cost.memory for cost in costs.values())
    spent = f"{seconds / 3600:.2f}" if in_hours else f"{seconds / 60:.0f}"
    name = longest if len(longest) <= LONGEST_NAME else f"{longest[: LONGEST_NAME - 1]}…"
    lasting = f"{duration(costs[longest].seconds)}, {name}"
    return [title, f"{len(jobs)}", spent, lasting, f"{memory / 1024:.1f} GB"]


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    """Texts to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if place in (0, 3) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
