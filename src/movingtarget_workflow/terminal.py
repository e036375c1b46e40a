"""What a run says on the terminal: a line that tells how far it is and, last, what failed.

Snakemake's own lines go to its log, `.snakemake/log`, as ever. A logger plugin of snakemake's would have to
be installed, of the right clone of the project, before the Snakefile is read; so the Snakefile replaces the
handler that writes to the terminal instead.
"""

import logging
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from movingtarget.study import Config
from movingtarget_workflow.chapters import chapter_of_job
from movingtarget_workflow.cost_table import cost_table
from movingtarget_workflow.costs import costs_of_run
from movingtarget_workflow.job import INTERRUPTED, cause
from movingtarget_workflow.progress import Progress
from movingtarget_workflow.screen import Screen
from movingtarget_workflow.settings import SettingsError
from movingtarget_workflow.time_left import read_costs

ITS_OWN_WORDS = ("dryrun", "verbose", "debug_dag", "printshellcmds", "show_failed_logs")
"""Settings by which a user asks for what snakemake has to say."""
NO_NEWS = (
    "No SLURM account",  # one is needed where time is charged alone
    "No account was given",
    "Unable to guess SLURM account",
    "Assuming unrestricted shared filesystem usage",
    "At least one job did not complete successfully",
    "Exiting because a job execution failed",
)
NOTHING_TO_DO = "Nothing to be done"
OF_THE_SYSTEM = re.compile(r"\[Errno \d+\].*")
"""What the system says of a file or a disk, in Python's words."""
FAILURE = "Failed: "
COSTS = "What that would cost:"
NO_CARD = "A graphics card is not counted on."
LITTLE = 1_000_000
"""Bytes: a disk with fewer is as good as full, for a job that failed has taken its unfinished files away."""
ON_REQUEST = "Terminating processes on user request"
AT_SIGTERM = "Will exit after finishing currently running jobs"


def attach(workflow: Any, costs: Path, config: Config) -> None:
    """Have jobs that run told in our words, unless the user asks for snakemake's or has a logger of his own.

    Whatever snakemake does beside running jobs, and mistakes in the Snakefile, it tells itself, and all that
    goes to the log of a cluster's job; what a run would cost follows at the end of a dry run.

    Args:
        workflow: snakemake's.
        costs: a table of what jobs took in a reference run, if there is one; others take what is expected.
        config: the run's settings.
    """
    asked = any(getattr(workflow.output_settings, name) for name in ITS_OWN_WORDS)
    manager = getattr(workflow, "logger_manager", None)  # other versions of snakemake have none here
    handlers = manager.logger.handlers if manager else []
    usual = next((handler for handler in handlers if handler.name == "DefaultStreamHandler"), None)
    if manager and usual and workflow.output_settings.dryrun:
        manager.logger.addHandler(Foreteller(workflow, usual, config))
    if asked or not manager or not usual or workflow.remote_exec:
        return
    manager.logger.removeHandler(usual)
    manager.logger.addHandler(Terminal(workflow, usual, _seconds_of_run(config) | read_costs(costs)))


class Foreteller(logging.Handler):
    """Takes what a dry run has planned, and tells last what that would cost."""

    def __init__(self, workflow: Any, usual: Any, config: Config) -> None:
        super().__init__()
        self._workflow, self._usual, self._config = workflow, usual, config
        self._planned: dict[str, int] = {}
        self._after: dict[str, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Look at the plan once it is made."""
        if getattr(record, "event", None) == LogEvent.RUN_INFO and not self._planned:
            self._planned, self._after = planned(self._workflow), waited_for(self._workflow)

    def close(self) -> None:
        """Tell what the run would cost, once, unless nothing but failures is to be told."""
        if self._planned and not any(about.name == "ALL" for about in _quiet(self._workflow)):
            print("", *self._lines(), sep="\n", file=self._usual.stream)
        self._planned = {}
        super().close()

    def _lines(self) -> list[str]:
        try:
            costs = costs_of_run(self._config)
        except SettingsError as error:
            return [f"What that would cost is not known: {error}"]
        sent = "slurm_partition" in (self._workflow.resource_settings.default_resources or {})
        cores = math.inf if sent else self._workflow.cores
        table = cost_table(self._planned, self._after, costs, cores)
        return [COSTS, *table, *([] if self._config["device"] == "cpu" else [NO_CARD])]


class Terminal(logging.Handler):
    """Takes snakemake's records and tells what people want to know of a run."""

    def __init__(self, workflow: Any, usual: Any, reference: Mapping[str, float]) -> None:
        super().__init__()
        self._workflow, self._usual, self._reference = workflow, usual, reference
        self._screen, self._progress = Screen(usual.stream), Progress()
        self._runs = self._interrupted = self._ends = False
        self._jobs: dict[int, str] = {}
        self._errors: list[logging.LogRecord] = []
        self._failures: dict[str, str] = {}
        self._result = ""
        self._takers: dict[str | None, Callable[[Any], None]] = {
            LogEvent.RUN_INFO: self._plan,
            LogEvent.JOB_INFO: self._begin,
            LogEvent.JOB_FINISHED: self._end,
            LogEvent.JOB_ERROR: self._fail,
            LogEvent.GROUP_ERROR: self._fail_group,
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Tell a record in our way, or pass it on."""
        if any(words in str(record.msg) for words in NO_NEWS):
            return
        event = getattr(record, "event", None)
        self._runs |= event == LogEvent.WORKFLOW_STARTED
        take = self._takers.get(event, self._other) if self._runs else self._pass_on
        try:
            take(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Tell what became of the run, once."""
        if self._runs:
            self._runs = False
            self._screen.clear()
            self._tell_end()
        super().close()

    def _plan(self, record: logging.LogRecord) -> None:
        cores = self._workflow.cores if self._workflow.local_exec else None
        waits = waited_for(self._workflow)
        self._progress = Progress(planned(self._workflow), cores, self._reference, waits)

    def _begin(self, record: Any) -> None:
        name = _name(record.rule_name, record.wildcards)
        if name not in self._progress.planned:  # a target, which says where to look
            self._result = record.rule_msg or ""
            return
        if not self._jobs:
            self._tell(f"{self._progress.plan()}; what snakemake says is in {self._log()}")
        self._jobs[record.jobid] = name
        if failed := self._failures.pop(name, None):
            self._tell(f"Starts again: {failed.removeprefix(FAILURE)}")
        self._progress.begin(name)
        self._update()

    def _end(self, record: Any) -> None:
        if record.job_id in self._jobs:
            self._progress.end(self._jobs[record.job_id])
            self._update()

    def _fail(self, record: Any) -> None:
        if not self._interrupted and not getattr(record, "indent", False):  # else told of with its group
            name = self._jobs[record.jobid]
            said = getattr(record, "rule_msg", None) or (self._errors[-1].msg if self._errors else "")
            self._failures[name] = failure(name, record.log, str(said))
            self._progress.fail(name)
            self._update()

    def _fail_group(self, record: Any) -> None:
        """Of jobs that went to a cluster together tell of those that say why they failed, or of the first."""
        logs = {self._jobs[info["jobid"]]: info["log"] for info in record.job_error_info}
        failed = [name for name, files in logs.items() if any(map(cause, map(Path, files)))]
        for name in failed or [*logs][:1]:
            self._failures[name] = failure(name, [*logs[name], *record.aux_logs], "")
        for name in logs:
            if name in failed or not failed:
                self._progress.fail(name)
            else:
                self._progress.stop(name)
        self._update()

    def _other(self, record: logging.LogRecord) -> None:
        """What is no job: errors wait for the end, warnings are passed on, the rest is left to the log."""
        text = str(record.msg)
        if text.startswith(ON_REQUEST):
            self._interrupt()
        if text.startswith(AT_SIGTERM) and not self._ends:  # snakemake says it whenever a job ends
            self._ends = True
            self._tell("Ending: jobs that run or were sent go on to their ends, no others begin")
        if record.levelno >= logging.ERROR:
            self._screen.keep()  # a job that could not even begin has written its own lines
            self._errors.append(record)
        elif record.levelno >= logging.WARNING or text.startswith(NOTHING_TO_DO):
            self._pass_on(record)

    def _interrupt(self) -> None:
        """What the same Ctrl-C has ended, before snakemake heard of it, has not failed."""
        self._interrupted = True
        for name in [name for name, line in self._failures.items() if f": {INTERRUPTED}" in line]:
            del self._failures[name]
            self._progress.failed.discard(name)

    def _pass_on(self, record: logging.LogRecord) -> None:
        self._screen.clear()
        self._usual.handle(record)

    def _update(self) -> None:
        if not self._quiet():
            self._screen.update(self._progress.now())

    def _tell(self, line: str) -> None:
        if not self._quiet():
            self._screen.say(line)

    def _quiet(self) -> bool:
        return any(about.name in ("ALL", "PROGRESS", "RULES") for about in _quiet(self._workflow))

    def _tell_end(self) -> None:
        progress = self._progress
        if self._jobs:
            result = self._result if progress.is_done() else "The next start goes on"
            self._tell(f"{progress.count()} in {progress.took()}. {result}".rstrip())
        for line in self._failures.values():
            self._screen.say(line)
        for record in [] if self._failures or self._interrupted else self._errors:
            self._tell_error(record)

    def _tell_error(self, record: logging.LogRecord) -> None:
        """Of a disk in trouble one line, of other errors what snakemake says."""
        if trouble := OF_THE_SYSTEM.search(str(record.msg)):
            self._screen.say(f"{FAILURE}{trouble[0]} (more in {self._log()})")
        else:
            self._pass_on(record)

    def _log(self) -> str:
        return ", ".join(map(os.path.relpath, self._workflow.logger_manager.get_logfile()))


def planned(workflow: Any) -> dict[str, int]:
    """The jobs that are to be run, RULE or RULE/PART, and how many cores each keeps to itself."""
    return {
        _name(job.rule.name, job.wildcards_dict): min(job.threads, workflow.cores)
        for job in workflow.dag.needrun_jobs()
        if not job.is_norun
    }


def waited_for(workflow: Any) -> dict[str, list[str]]:
    """The jobs whose files each job that is to be run reads."""
    return {
        _name(job.rule.name, job.wildcards_dict): [
            _name(other.rule.name, other.wildcards_dict) for other in workflow.dag.dependencies[job]
        ]
        for job in workflow.dag.needrun_jobs()
    }


def _seconds_of_run(config: Config) -> dict[str, float]:
    """What each job of a run is expected to take; nothing if there are no rates."""
    try:
        return {job: cost.seconds for job, cost in costs_of_run(config).items()}
    except SettingsError:
        return {}


def failure(job: str, logs: Sequence[str], said: str) -> str:
    """What failed, of which chapter, why, and where to read more, on one line.

    Args:
        job: RULE or RULE/PART.
        logs: of the job; the last line of one may say why.
        said: by snakemake or a cluster of it.
    """
    why = next(filter(None, map(cause, map(Path, logs))), "") or _outside(said)
    disk = trouble_of_disk(Path(logs[0]).parent) if logs else ""
    return f"{FAILURE}{job} ({chapter_of_job(job)}): {why}{disk} (more in {', '.join(logs)})"


def trouble_of_disk(folder: Path) -> str:
    """What to add to a failure if the disk of a folder is full or read-only, which may have caused it."""
    if not folder.is_dir():
        return ""
    disk = os.statvfs(folder)
    full = disk.f_bavail * disk.f_frsize < LITTLE
    trouble = "read-only" if disk.f_flag & os.ST_RDONLY else "full" if full else ""
    return f"; the disk of {folder} is {trouble}" if trouble else ""


def _outside(error: str) -> str:
    """Why a job failed that did not say so itself."""
    if refused := re.search(r"sbatch failed\. The error message was '(.*?)'\.\n", error, re.DOTALL):
        return f"SLURM did not take it: {' '.join(refused[1].split())}"
    if ended := re.search(r"SLURM status is: '(\w+)'", error):
        return f"ended by SLURM as {ended[1]}"
    if killed := re.search(r"died with <Signals\.(\w+)", error):
        return INTERRUPTED if killed[1] == "SIGINT" else f"killed by {killed[1]}"
    if "CalledProcessError" in error or not error:
        return "ended without a word in its log"
    if trouble := OF_THE_SYSTEM.search(error):
        return trouble[0]
    return " ".join(error.split())


def _quiet(workflow: Any) -> Iterable[Any]:
    """What the user does not want to hear of."""
    return workflow.output_settings.quiet or ()


def _name(rule: str, wildcards: Mapping[str, str]) -> str:
    return "/".join([rule, *wildcards.values()])
