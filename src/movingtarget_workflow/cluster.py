"""What jobs ask of a cluster, which go there together, and whether it has what they ask for.

On one machine nothing of this has an effect.
"""

import math
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from movingtarget.study import Config
from movingtarget_workflow.costs import Cost, expected
from movingtarget_workflow.plan import STUDIES, jobs_of
from movingtarget_workflow.settings import SettingsError

SHORT_SECONDS = 60.0
"""Jobs that are expected to take less go to the cluster together."""
SPARE = 3.0
"""How many times the time and the memory that are expected a job may take."""
START_MINUTES, START_MEGABYTES = 5, 500
"""What it may take beside."""
UNITS = {"memory": "MB of memory", "cores": "cores", "minutes": "minutes"}


class Node(NamedTuple):
    """What a node of a partition has: memory in MB, cores, and minutes that a job may last there."""

    memory: float
    cores: float
    minutes: float


class Request(NamedTuple):
    """What a job asks for: a node of a partition with so much of everything."""

    job: str
    partition: str
    node: Node


def resources_of(name: str, config: Config) -> dict[str, Any]:
    """What each job of a study asks for, as snakemake takes it: more of it with each attempt."""

    def mem_mb(wildcards: Any, attempt: int) -> int:
        return attempt * math.ceil(START_MEGABYTES + SPARE * _cost(name, wildcards, config).memory)

    def runtime(wildcards: Any, attempt: int) -> int:
        return attempt * math.ceil(START_MINUTES + SPARE * _cost(name, wildcards, config).seconds / 60)

    alone = {"slurm_extra": "--exclusive"} if STUDIES[name].undisturbed else {}
    return {"mem_mb": mem_mb, "runtime": runtime, **alone}


def group_of(name: str, config: Config) -> Callable[[Any], str | None]:
    """Which short jobs go to the cluster together: those of a level, so that none of them waits for another.

    Long jobs go alone, for one that is killed goes on where it was, but a group starts again; and so do jobs
    beside which nothing may run.
    """

    def group(wildcards: Any) -> str | None:
        short = _cost(name, wildcards, config).seconds < SHORT_SECONDS
        return f"level-{level(name)}" if short and not STUDIES[name].undisturbed else None

    return group


def level(name: str) -> int:
    """How many studies stand before a study, on the longest path of those that it needs.

    >>> [level(name) for name in ("autoencoder_search", "autoencoders", "autoencoder_comparison")]
    [0, 1, 2]
    """
    study = STUDIES[name]
    needed = [
        other for other, one in STUDIES.items() if other == study.members or {*one.tables} & {*study.reads}
    ]
    return 1 + max(map(level, needed)) if needed else 0


def prepare(workflow: Any) -> None:
    """If this run's jobs go to SLURM, see that it can take them, and that those of a group run side by side.

    The plugin's jobs start one job of their group after the other, whatever cores the group was given
    (snakemake/snakemake-executor-plugin-slurm, issue 469), and each by calling snakemake once more through
    srun. Ours keep to one node and need no srun.

    Raises:
        SettingsError: SLURM does not answer, jobs of a killed run have not ended, or no node has what a job
            asks for; one line.
    """
    if workflow.executor_plugin.name != "slurm":
        return
    if left := jobs_in(Path.cwd()):
        raise SettingsError(
            f"jobs of an earlier run in this folder have not ended; wait for them, or stop them with scancel "
            f"{' '.join(left)}"
        )
    check_requests(_requests(workflow.dag), nodes())
    workflow.scheduler._executor.additional_general_args = lambda: "--executor local"


def check_requests(requests: Iterable[Request], partitions: Mapping[str, list[Node]]) -> None:
    """Raise SettingsError, one line, if a partition is not there or none of its nodes has what a job asks."""
    for job, partition, asked in requests:
        if partition not in partitions:
            raise SettingsError(f"slurm_partition is {partition}; allowed: {', '.join(sorted(partitions))}")
        for unit, amount in asked._asdict().items():
            there = max(getattr(node, unit) for node in partitions[partition])
            if amount > there:
                raise SettingsError(
                    f"{job} asks for {amount:.0f} {UNITS[unit]}; allowed: at most {there:.0f}, which is what "
                    f"partition {partition} has"
                )


def nodes() -> dict[str, list[Node]]:
    """The nodes of each of SLURM's partitions.

    Raises:
        SettingsError: it does not answer.
    """
    found = defaultdict(list)
    for partition, memory, cores, limit in _answer("sinfo", "--Node", "--format", "%R|%m|%c|%l"):
        found[partition].append(Node(float(memory), float(cores), minutes(limit)))
    return dict(found)


def jobs_in(folder: Path) -> list[str]:
    """The numbers of one's jobs that wait or run in a folder."""
    return [
        number for number, place in _answer("squeue", "--me", "--format", "%i|%Z") if Path(place) == folder
    ]


def minutes(limit: str) -> float:
    """SLURM's way of writing a time, in minutes.

    >>> [minutes(limit) for limit in ("infinite", "30:00", "4:00:00", "2-12:00:00")]
    [inf, 30.0, 240.0, 3600.0]
    """
    if limit == "infinite":
        return math.inf
    days, _, clock = limit.rpartition("-")
    seconds = 0
    for number in clock.split(":"):
        seconds = 60 * seconds + int(number)
    return 1440 * int(days or 0) + seconds / 60


def _answer(command: str, *words: str) -> list[list[str]]:
    """The fields of each line of what one of SLURM's commands says."""
    try:
        told = subprocess.run(
            [command, "--noheader", *words], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
        raise SettingsError(f"SLURM does not answer: {why}") from None
    return [line.split("|") for line in told.stdout.splitlines()]


def _cost(name: str, wildcards: Any, config: Config) -> Cost:
    return expected(name, jobs_of(name, config)[getattr(wildcards, "part", "")], config)


def _requests(dag: Any) -> Iterator[Request]:
    """What jobs and groups ask for that are to be submitted."""
    for job in {dag.get_job_group(job) or job for job in dag.needrun_jobs() if not job.is_local}:
        asked = job.resources
        called = "a group of short jobs" if job.is_group() else "/".join([job.rule.name, *job.wildcards])
        yield Request(called, asked.slurm_partition, Node(asked.mem_mb, job.threads, asked.runtime))
