"""How far a run is, in a line: the chapter, the jobs done, the time left."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from movingtarget_workflow.chapters import chapter_of_job
from movingtarget_workflow.time_left import Estimate, time_left


@dataclass
class Progress:
    """The jobs of a run, RULE or RULE/PART, and what has become of them.

    Attributes:
        planned: how many cores each keeps to itself.
        cores: of the run; None on a cluster, whose queue nobody can foresee.
        reference: seconds that jobs took in a reference run, or are expected to.
        after: the jobs that each waits for.
        running: when those began that have not ended.
        latest: the one that began last.
        finished: seconds that those took that are done.
        failed: those that failed and have not begun again.
    """

    planned: Mapping[str, int] = field(default_factory=dict)
    cores: int | None = 1
    reference: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, Collection[str]] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)
    latest: str = ""
    finished: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)

    def begin(self, job: str) -> None:
        """A job begins."""
        self.failed.discard(job)
        self.running[job] = time.monotonic()
        self.latest = job

    def end(self, job: str) -> None:
        """A job is done."""
        self.finished[job] = time.monotonic() - self.running.pop(job)

    def stop(self, job: str) -> None:
        """A job runs no more, though nothing is wrong with it."""
        self.running.pop(job, None)

    def fail(self, job: str) -> None:
        """A job has failed."""
        self.stop(job)
        self.failed.add(job)

    def plan(self) -> str:
        """How much there is to do: "214 jobs on 2 cores, about 38 min left (until 20:47)"."""
        place = "a cluster" if self.cores is None else f"{self.cores} core{'' if self.cores == 1 else 's'}"
        return f"{jobs(len(self.planned))} on {place}{self._left()}"

    def now(self) -> str:
        """How far it is: "Training: 36 of 214 jobs done, about 30 min left (until 20:47)"."""
        if self.cores is None:  # the one sent last says little, and those of a group are done together
            return f"{self.count()}, {len(self.running)} waiting or running"
        return f"{chapter_of_job(self.latest)}: {self.count()}{self._left()}"

    def count(self) -> str:
        """The jobs alone: "36 of 214 jobs done, 1 failed"."""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"{len(self.finished)} of {jobs(len(self.planned))} done{failed}"

    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return len(self.finished) == len(self.planned)

    def took(self) -> str:
        """Time since it began."""
        return duration(time.monotonic() - self.began)

    def _left(self) -> str:
        if self.cores is None:
            return ""
        ended = {*self.finished, *self.failed}
        waiting = {job: cores for job, cores in self.planned.items() if job not in ended}
        since = {job: time.monotonic() - began for job, began in self.running.items()}
        estimate = time_left(waiting, since, self.finished, self.reference, self.cores, self.after)
        return in_words(estimate, len(waiting), time.time())


def in_words(left: Estimate, waiting: int, now: float) -> str:
    """An estimate to put after a comma, with what it does not count; empty if that is over a tenth.

    >>> in_words(Estimate(seconds=1830.0, unknown=2), waiting=20, now=0.0)
    ', about 30 min and 2 jobs of unknown length left'
    """
    if 10 * left.unknown > waiting or not waiting:
        return ""
    unknown = f" and {jobs(left.unknown)} of unknown length" if left.unknown else ""
    until = time.strftime(" (until %H:%M)", time.localtime(now + left.seconds)) if not unknown else ""
    return f", about {duration(left.seconds)}{unknown} left{until if left.seconds >= 60 else ''}"


def duration(seconds: float) -> str:
    """A time as one would say it.

    >>> [duration(seconds) for seconds in (7.4, 100, 5000)]
    ['7 s', '2 min', '1 h 23 min']
    """
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def jobs(count: int) -> str:
    """A number of jobs."""
    return f"{count} job{'' if count == 1 else 's'}"
