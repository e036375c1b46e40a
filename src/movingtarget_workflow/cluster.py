"""What jobs ask of a cluster, which go there together, and whether it has what they ask for.

On one machine nothing of this has an effect, but that jobs which a killed run left at SLURM are named.
"""

import asyncio
import atexit
import getpass
import itertools
import math
import re
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from movingtarget.names import meant, unknown
from movingtarget.study import Config
from movingtarget_workflow.costs import Cost, expected
from movingtarget_workflow.interruption import in_main_thread, interrupt
from movingtarget_workflow.plan import STUDIES, jobs_of, needed
from movingtarget_workflow.settings import SettingsError, check_count

SHORT_SECONDS = 60.0
"""Jobs that are expected to take less go to the cluster together."""
SPARE = 3.0
"""How many times the time and the memory that are expected a job may take."""
UNKNOWN = Cost(seconds=3600.0, memory=2000.0)
"""What is expected of a job in a copy of the project without the rates of earlier runs."""
START_MINUTES, START_MEGABYTES = 5, 500
"""What it may take beside."""
CARD_MEGABYTES = 4000
"""What the libraries of a card may take beside; not measured."""
SENT = Path(".snakemake/slurm_logs")
"""There if jobs were sent to SLURM from this folder."""
LEAST_AGE = 200
"""Seconds for which SLURM must remember a job that has ended: snakemake looks every 180 at the latest."""
UNITS = {"memory": "MB of memory", "cores": "cores", "minutes": "minutes"}
FROM = {
    "memory": "--set-resources RULE:mem_mb=",
    "cores": "cores in the profile, or --cores",
    "minutes": "--set-resources RULE:runtime=",
}
"""What a user changes to have a job ask for less of it."""
RESOURCES = (
    *("slurm_partition", "slurm_account", "slurm_extra", "slurm_cluster", "cluster", "clusters", "qos"),
    *("constraint", "nodes", "tasks", "tasks_per_node", "tasks_per_gpu", "mpi", "gpu", "gpu_model", "gres"),
    *("threads", "cpus_per_task", "cpus_per_gpu", "mem", "mem_mb", "mem_mib", "mem_mb_per_cpu", "runtime"),
    *("disk", "disk_mb", "disk_mib", "tmpdir", "login_node", "_cores", "_nodes"),
)
"""Resources that snakemake, its plugin or this project heeds; one of another name is only counted."""
_most: dict[str, float] = {}
"""What a job may ask for at most, by resource, once the cluster of this run has told."""
_most_in_group: dict[str, float] = {}
"""The same of a job that goes with others, some side by side, some after one another."""


class SlurmError(SettingsError):
    """What SLURM says against what it was asked, or that it does not answer; in one line."""


class Node(NamedTuple):
    """What a node of a partition has: memory in MB, cores, and minutes that a job may last there."""

    memory: float
    cores: float
    minutes: float


class Request(NamedTuple):
    """What a job asks for: a node of a partition with so much of everything, who is charged, and a GPU."""

    job: str
    partition: str
    account: str
    node: Node
    gpus: int = 0


def resources_of(name: str, config: Config) -> dict[str, Any]:
    """What each job of a study asks for, as snakemake takes it: more of it with each attempt.

    Another attempt asks for no more than the largest node has, for a job that does may wait for ever; jobs of
    a group share that.
    """
    beside = START_MEGABYTES + (CARD_MEGABYTES if _wants_card(name, config) else 0)
    group = group_of(name, config)

    def most(resource: str, wildcards: Any) -> float:
        limits = _most_in_group if group and group(wildcards) else _most
        return limits.get(resource, math.inf)

    def mem_mb(wildcards: Any, attempt: int) -> int:
        first = math.ceil(beside + SPARE * _cost(name, wildcards, config).memory)
        return max(first, int(min(attempt * first, most("mem_mb", wildcards))))

    def runtime(wildcards: Any, attempt: int) -> int:
        first = math.ceil(START_MINUTES + SPARE * _cost(name, wildcards, config).seconds / 60)
        return max(first, int(min(attempt * first, most("runtime", wildcards))))

    alone = {"slurm_extra": "--exclusive"} if STUDIES[name].undisturbed else {}
    card = {"gpu": 1} if _wants_card(name, config) else {}
    here = {"login_node": 1} if STUDIES[name].turns_tables else {}
    return {"mem_mb": mem_mb, "runtime": runtime, **alone, **card, **here}


def group_of(name: str, config: Config) -> Callable[[Any], str | None] | None:
    """Which short jobs go to the cluster together: those of a level, so that none of them waits for another.

    Long jobs go alone, for one that is killed goes on where it was, but a group starts again; and so do jobs
    beside which nothing may run, and those that ask for a graphics card, of which a group would ask for as
    many as it has jobs. What only turns tables into others stays on the login node.
    """
    study = STUDIES[name]
    if study.undisturbed or study.turns_tables or _wants_card(name, config):
        return None

    def group(wildcards: Any) -> str | None:
        short = _cost(name, wildcards, config).seconds < SHORT_SECONDS
        return f"level-{level(name)}" if short else None

    return group


@cache
def level(name: str) -> int:
    """How many studies go to the cluster before a study, on the longest path of those that it needs.

    >>> [level(name) for name in ("autoencoder_trials", "autoencoder_finalists", "autoencoders")]
    [0, 1, 2]
    """
    return max((level(other) + (not STUDIES[other].turns_tables) for other in needed(name)), default=0)


def prepare(workflow: Any) -> None:
    """If this run's jobs go to SLURM, see that it can take them, and that those of a group run side by side.

    The plugin's jobs start one job of their group after the other, whatever cores the group was given
    (snakemake/snakemake-executor-plugin-slurm, issue 469), and each by calling snakemake once more through
    srun. Ours keep to one node and need no srun. It also looks at its jobs ever more rarely, up to every
    three minutes, which short jobs and Ctrl-C would wait for; here snakemake's own setting is the limit.
    Interrupted, snakemake would take what its jobs on the login node use away while these still run.

    Raises:
        SettingsError: SLURM does not answer, or does not take jobs of this account, or forgets them too soon;
            jobs of another run are still there; the profile is not in order; or no node has what a job asks
            for. One line.
    """
    if workflow.executor_plugin.name != "slurm":
        if SENT.is_dir():
            with suppress(SlurmError):  # there may be none by now
                check_none_is_left()
        return
    check_profile(workflow)
    check_none_is_left()
    if workflow.executor_settings.status_command == "squeue":
        check_job_age()
    requests, partitions = [*_requests(workflow.dag)], nodes()
    check_requests(requests, partitions)
    for partition, account, gpus in sorted({(one.partition, one.account, one.gpus) for one in requests}):
        check_account(partition, account, gpus)
    there = [node for one in requests for name in one.partition.split(",") for node in partitions[name]]
    _most["mem_mb"] = max((node.memory for node in there), default=math.inf)
    _most["runtime"] = max((node.minutes for node in there), default=math.inf)
    together = max(workflow.group_settings.group_components.values(), default=1)
    rows = math.ceil(together / workflow.cores)
    _most_in_group.update(mem_mb=_most["mem_mb"] / workflow.cores, runtime=_most["runtime"] / rows)
    executor, here = workflow.scheduler._executor, workflow.scheduler._local_executor
    executor.additional_general_args = lambda: "--executor local"
    executor.sleep = lambda: asyncio.sleep(seconds_between_checks(executor, workflow))
    cancel_there = executor.cancel

    def cancel_all() -> None:
        cancel_there()
        here.cancel()

    executor.cancel = cancel_all
    cancel_at_end(executor.run_uuid)


def seconds_between_checks(executor: Any, workflow: Any) -> float:
    """Until snakemake looks at its jobs again: what the plugin wants, but no more than the run's setting."""
    wanted: float = executor.next_seconds_between_status_checks
    longest: float = workflow.remote_execution_settings.seconds_between_status_checks
    return min(wanted, longest)


def check_profile(workflow: Any) -> None:
    """Raise SettingsError, one line, for what snakemake or SLURM would only stumble over in the run."""
    asked = workflow.resource_settings
    names = [workflow.global_resources, asked.default_resources or {}, *asked.overwrite_resources.values()]
    for name in itertools.chain(*names):
        if name not in RESOURCES and (near := meant(name, RESOURCES)):
            raise SettingsError(f"resource '{name}' is unknown{near}")
    check_count("login_node", workflow.global_resources.get("login_node").value)
    rules = {rule.name for rule in workflow.rules}
    for name in asked.overwrite_resources:
        if name not in rules:
            raise SettingsError(f"--set-resources: {unknown('rule', name, sorted(rules))}")
    groups = {f"level-{level(name)}" for name, study in STUDIES.items() if not study.turns_tables}
    for name in workflow.group_settings.group_components:
        if name not in groups:
            raise SettingsError(f"--group-components: {unknown('group', name, sorted(groups))}")


def check_none_is_left() -> None:
    """Raise SettingsError, one line, if jobs that were sent from this folder have not ended.

    They would write what this run's jobs write; SLURM does not tell into which results folder.
    """
    if left := jobs_in(Path.cwd()):
        raise SettingsError(
            "jobs of another run in this folder have not ended; if that run is at work, wait for it or stop "
            f"it with Ctrl-C; if it is not, stop them with scancel {' '.join(left)}"
        )


def cancel_at_end(run: str) -> None:
    """When this process ends, cancel what a run has sent, and end it at once at the second Ctrl-C.

    Snakemake alone leaves a job that it was about to send, and all jobs if it is interrupted while it cancels
    them; and when it has cancelled them it waits until it would have looked at them again.
    """
    atexit.register(cancel, run)

    def end_at_once(number: int, frame: Any) -> None:
        sys.excepthook = lambda *error: None  # jobs on the login node are left, and what they use taken away
        sys.exit(1)

    def tell_and_interrupt(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, end_at_once)
        print(
            "Moving Target: cancelling jobs; a second Ctrl-C ends at once and cancels them, too",
            file=sys.stderr,
        )
        interrupt(number, frame)

    if in_main_thread():
        signal.signal(signal.SIGINT, tell_and_interrupt)


def cancel(run: str) -> None:
    """Cancel the jobs of a run that have not ended, and say which they are.

    Args:
        run: the name that its jobs have in SLURM.
    """
    if in_main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    own = ["--user", getpass.getuser(), "--name", run]
    try:
        if left := _run("squeue", "--noheader", *own, "--format", "%i").split():
            _run("scancel", *own)
            print(f"Moving Target: cancelled what was left at SLURM: {' '.join(left)}", file=sys.stderr)
    except SettingsError as error:
        print(f"Moving Target: {error}; see squeue --me for jobs that are left", file=sys.stderr)


def check_requests(requests: Iterable[Request], partitions: Mapping[str, list[Node]]) -> None:
    """Raise SettingsError, one line, if a partition is not there or none of its nodes has what a job asks.

    Args:
        requests: of jobs; several partitions are parted by commas.
        partitions: their nodes; those of the default partition under an empty name, too.
    """
    for job, named, _, asked, _ in requests:
        for partition in named.split(","):
            if partition not in partitions:
                raise SettingsError(
                    f"slurm_partition is {partition}; allowed, for they have a node that is up: "
                    f"{', '.join(sorted(filter(None, partitions))) or 'none now'}"
                )
        there = [node for partition in named.split(",") for node in partitions[partition]]
        if any(all(has >= wants for has, wants in zip(node, asked, strict=True)) for node in there):
            continue
        for unit, amount in asked._asdict().items():
            most = max(getattr(node, unit) for node in there)
            if amount > most:
                raise SettingsError(
                    f"{job} asks for {amount:.0f} {UNITS[unit]}; allowed: at most {most:.0f}, which is what "
                    f"partition {named} has ({FROM[unit]})"
                )
        wanted = " and ".join(f"{amount:.0f} {UNITS[unit]}" for unit, amount in asked._asdict().items())
        raise SettingsError(f"{job} asks for {wanted}; allowed: what one node of partition {named} has")


def check_account(partition: str, account: str, gpus: int = 0) -> None:
    """Raise SettingsError, with SLURM's reason, if it takes no job of this account with so many GPUs."""
    chosen = [("--partition", partition), ("--account", account), ("--gpus", gpus)]
    words = [word for option, value in chosen if value for word in (option, str(value))]
    try:
        _run("sbatch", "--test-only", *words, "--wrap", "true")
    except SettingsError as error:
        if not gpus:
            raise
        raise SettingsError(f"device is cuda, for which jobs ask for --gpus {gpus}; {error}") from None


def check_job_age() -> None:
    """Raise SettingsError if SLURM forgets a job that has ended before snakemake looks again."""
    age = re.search(r"MinJobAge\s*=\s*(\d+)", _run("scontrol", "show", "config"))
    if age and int(age[1]) < LEAST_AGE:
        raise SettingsError(
            f"SLURM forgets jobs {age[1]} seconds after their end (MinJobAge), before snakemake looks; "
            "allowed: --slurm-status-command sacct"
        )


def nodes() -> dict[str, list[Node]]:
    """The nodes that are up, of partitions that are; the default one's without a name, too.

    Raises:
        SettingsError: it does not answer.
    """
    found = defaultdict(list)
    told = _run("sinfo", "--noheader", "--Node", "--format", "%P|%m|%c|%l|%T|%a")
    for partition, memory, cores, limit, state, taken in (line.split("|") for line in told.splitlines()):
        if taken == "up" and not state.startswith("down"):
            node = Node(float(memory.rstrip("+")), float(cores.rstrip("+")), minutes(limit))
            for name in {partition.rstrip("*"), "" if partition.endswith("*") else partition}:
                found[name].append(node)
    return dict(found)


def jobs_in(folder: Path) -> list[str]:
    """The numbers of one's jobs that a run of snakemake's has sent from a folder and that have not ended."""
    told = _run("squeue", "--noheader", "--user", getpass.getuser(), "--format", "%i|%Z|%k")
    jobs = [line.split("|", 2) for line in told.splitlines()]
    return [
        number
        for number, place, comment in jobs
        if Path(place).resolve() == folder.resolve() and comment.startswith("rule_")
    ]


def minutes(limit: str) -> float:
    """SLURM's way of writing a time, in minutes; what is no time is no limit.

    >>> [minutes(limit) for limit in ("infinite", "30:00", "4:00:00", "2-12:00:00")]
    [inf, 30.0, 240.0, 3600.0]
    """
    if not re.fullmatch(r"(\d+-)?\d+(:\d+)*", limit):
        return math.inf
    days, _, clock = limit.rpartition("-")
    seconds = 0
    for number in clock.split(":"):
        seconds = 60 * seconds + int(number)
    return 1440 * int(days or 0) + seconds / 60


def _run(*command: str) -> str:
    """What one of SLURM's commands says; SlurmError, with the last line of its errors, if it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().splitlines() or [f"{command[0]} failed"]
        raise SlurmError(f"SLURM says: {why[-1]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmError(f"SLURM does not answer: {error}") from None


def _wants_card(name: str, config: Config) -> bool:
    """Whether jobs of a study are to have a card; where the settings say auto they take one that is there."""
    return config["device"] == "cuda" and STUDIES[name].accelerated


def _cost(name: str, wildcards: Any, config: Config) -> Cost:
    try:
        return expected(name, jobs_of(name, config)[getattr(wildcards, "part", "")], config)
    except SettingsError:
        return UNKNOWN


def _name(resource: str, given: Any) -> str:
    """Of a partition or an account; a number would be added up over the jobs of a group."""
    if isinstance(given, int | float):
        raise SettingsError(
            f"{resource} is the number {given}; allowed: a name, and of digits in two pairs of quotes: "
            f"'\"{given}\"'"
        )
    return given or ""


def _group_name(group: Any) -> str:
    largest = max(group.jobs, key=lambda job: job.resources.mem_mb)
    return f"a group of short jobs (--group-components), {_job_name(largest)} the largest,"


def _job_name(job: Any) -> str:
    return "/".join([job.rule.name, *job.wildcards])


def _requests(dag: Any) -> Iterator[Request]:
    """What jobs and groups ask for that are to be submitted."""
    for job in {dag.get_job_group(job) or job for job in dag.needrun_jobs() if not job.is_local}:
        asked = job.resources
        called = _group_name(job) if job.is_group() else _job_name(job)
        partition, account = (_name(name, asked.get(name)) for name in ("slurm_partition", "slurm_account"))
        node = Node(asked.mem_mb, job.threads, asked.runtime)
        yield Request(called, partition, account, node, asked.get("gpu") or 0)
