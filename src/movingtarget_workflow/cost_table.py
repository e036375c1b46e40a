"""What a run will cost, as a table by chapter."""

from collections.abc import Iterator, Mapping

from movingtarget_workflow.chapters import chapter_of_job
from movingtarget_workflow.costs import Cost
from movingtarget_workflow.progress import duration
from movingtarget_workflow.time_left import time_left

LONGEST_NAME = 52
"""Letters of a job's name that are shown."""


def cost_table(planned: Mapping[str, int], costs: Mapping[str, Cost], cores: int) -> list[str]:
    r"""Lines of a table of the chapters whose jobs are planned, and of them all.

    Args:
        planned: how many cores each job, RULE or RULE/PART, keeps to itself.
        costs: by job; those without are in the number of jobs alone.
        cores: of the run.

    >>> print(*cost_table({"judge_claims": 1}, {"judge_claims": Cost(90.0, 205.0)}, cores=2), sep="\n")
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
    rows = [_row(chapter, jobs, known, in_hours) for chapter, jobs in chapters.items()]
    left = time_left(planned, {}, {}, {job: cost.seconds for job, cost in known.items()}, cores)
    on = f"{cores} cores, if they are" if cores > 1 else "1 core, if it is"
    return [
        *_aligned([head, *rows, _row("All", [*planned], known, in_hours)]),
        f"About {duration(left.seconds)} on {on} as fast as those of results/reference.",
    ]


def _row(title: str, jobs: list[str], known: Mapping[str, Cost], in_hours: bool) -> list[str]:
    costs = {job: known[job] for job in jobs if job in known}
    if not costs:
        return [title, f"{len(jobs)}", "?", "?", "?"]
    longest = max(costs, key=lambda job: costs[job].seconds)
    seconds, memory = (
        sum(cost.seconds for cost in costs.values()),
        max(cost.memory for cost in costs.values()),
    )
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
