"""What a run says: snakemake's records in our words, and the real thing on a terminal and in a file."""

import io
import logging
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from project_copy import SMOKE, command, environment, snakemake
from snakemake.resources import Resources
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from movingtarget_workflow import costs
from movingtarget_workflow.chapters import chapter_of_job
from movingtarget_workflow.compare_costs import config_of
from movingtarget_workflow.job import FAILED
from movingtarget_workflow.terminal import ITS_OWN_WORDS, Terminal, attach, failure

TABLES = ["results/smoke/tables/looks_linear.csv", "results/smoke/tables/linear_chain.csv"]
SETTINGS = config_of("smoke.yaml")
CHAPTERS = {chapter_of_job("measure_looks_linear"), chapter_of_job("measure_linear_chain")}


@dataclass(eq=False)
class Job:
    """A job of snakemake's."""

    rule: SimpleNamespace
    wildcards_dict: dict[str, str]
    is_norun: bool
    threads: int = 1


class Run:
    """A run of two jobs as snakemake would tell it."""

    def __init__(
        self,
        profile: Resources | None = None,
        device: str = "cpu",
        costs: Path = Path("nowhere.csv"),
        **settings: Any,
    ) -> None:
        self.stream = io.StringIO()
        usual = logging.StreamHandler(self.stream)
        usual.name = "DefaultStreamHandler"
        self.logger = logging.Logger("run")
        self.logger.addHandler(usual)
        jobs = [
            self.job("judge_claims"),
            self.job("gather_parts", table="training"),
            self.job("all", norun=True),
        ]
        waits = [[jobs[1]], [], jobs[:2]]
        self.workflow = SimpleNamespace(
            output_settings=SimpleNamespace(**{**dict.fromkeys([*ITS_OWN_WORDS, "quiet"]), **settings}),
            logger_manager=SimpleNamespace(logger=self.logger, get_logfile=lambda: ["snakemake.log"]),
            cores=2,
            local_exec=True,
            remote_exec=False,
            resource_settings=SimpleNamespace(default_resources=profile),
            dag=SimpleNamespace(needrun_jobs=lambda: jobs, dependencies=dict(zip(jobs, waits, strict=True))),
        )
        attach(self.workflow, costs, {**SETTINGS, "device": device})

    @staticmethod
    def job(rule: str, norun: bool = False, **wildcards: str) -> Job:
        """A planned job."""
        return Job(rule=SimpleNamespace(name=rule), wildcards_dict=wildcards, is_norun=norun)

    def start(self) -> "Run":
        """Until jobs are run."""
        self.tell("banner", LogEvent.WORKFLOW_STARTED)
        self.tell("Building DAG of jobs...")
        self.tell("Job stats: ...", LogEvent.RUN_INFO)
        return self

    def begin(self, number: int, rule: str, message: str = "", **wildcards: str) -> None:
        """A job begins."""
        about: dict[str, Any] = {"jobid": number, "rule_name": rule, "rule_msg": message}
        self.tell("rule", LogEvent.JOB_INFO, **about, wildcards=wildcards)

    def end(self, number: int) -> None:
        """A job is done."""
        self.tell("Finished", LogEvent.JOB_FINISHED, job_id=number)

    def tell(self, line: str, event: str | None = None, level: int = logging.INFO, **about: Any) -> None:
        """A record of snakemake's."""
        self.logger.log(level, line, extra={"event": event, **about})

    def close(self) -> list[str]:
        """The end of the run; what it said."""
        for handler in self.logger.handlers:
            handler.close()
        return self.stream.getvalue().splitlines()


def test_a_run_tells_how_far_it_is_and_where_the_result_lies():
    run = Run().start()
    run.begin(1, "judge_claims")
    run.begin(2, "gather_parts", table="training")
    run.end(1)
    run.end(2)
    run.begin(0, "all", "The report is report.html")
    run.end(0)
    first, second, last = run.close()
    assert re.fullmatch(
        r"2 jobs on 2 cores, about \d+ s left; what snakemake says is in snakemake.log", first
    )
    assert re.fullmatch(r"Judge claims: 0 of 2 jobs done, about \d+ s left", second)
    assert last == "2 of 2 jobs done in 0 s. The report is report.html"


def test_without_rates_of_earlier_runs_the_time_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(costs, "RATES", tmp_path / "rates.csv")
    costs.rates.cache_clear()
    run = Run().start()
    costs.rates.cache_clear()
    run.begin(1, "judge_claims")
    assert run.close()[0] == "2 jobs on 2 cores; what snakemake says is in snakemake.log"


def test_what_a_reference_run_took_goes_before_what_is_expected(tmp_path: Path):
    table = tmp_path / "costs.csv"
    table.write_text("job,seconds\njudge_claims,5000\ngather_parts/training,400\n", encoding="utf-8")
    run = Run(costs=table).start()
    run.begin(1, "judge_claims")
    assert run.close()[0].startswith("2 jobs on 2 cores, about 1 h 30 min left")  # one waits for the other


def test_before_it_runs_jobs_snakemake_speaks_for_itself():
    run = Run()
    run.tell("Building DAG of jobs...")
    assert run.close() == ["Building DAG of jobs..."]


def test_nothing_to_do_warnings_and_errors_without_a_job_are_snakemakes():
    run = Run().start()
    run.tell("Nothing to be done (all requested files are present and up to date).")
    run.tell("beware", level=logging.WARNING)
    run.tell("MissingInputException: ...", LogEvent.ERROR, level=logging.ERROR)
    assert run.close() == [
        "Nothing to be done (all requested files are present and up to date).",
        "beware",
        "MissingInputException: ...",
    ]


def test_what_failed_is_said_once_and_last(tmp_path: Path):
    log = tmp_path / "judge.log"
    log.write_text(f"Traceback ...\nValueError: no\n{FAILED}no such column\n", encoding="utf-8")
    run = Run().start()
    run.begin(1, "judge_claims")
    run.tell("CalledProcessError ... exit status 1", LogEvent.ERROR, level=logging.ERROR)
    run.tell("Error in rule", LogEvent.JOB_ERROR, level=logging.ERROR, jobid=1, log=[str(log)])
    run.tell("Exiting because a job execution failed. Look above for error messages", level=logging.ERROR)
    run.tell(
        "WorkflowError:\nAt least one job did not complete successfully.", LogEvent.ERROR, level=logging.ERROR
    )
    assert run.close()[2:] == [
        "0 of 2 jobs done, 1 failed in 0 s. The next start goes on",
        f"Failed: judge_claims (Judge claims): no such column (more in {log})",
    ]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("CalledProcessError: 'python x.py' died with <Signals.SIGKILL: 9>.", "killed by SIGKILL"),
        (
            "CalledProcessError: 'python x.py' returned non-zero exit status 1.",
            "ended without a word in its log",
        ),
        ("MissingOutputException in rule a:\n no b", "MissingOutputException in rule a: no b"),
        (
            'RuleException:\nOSError in file "a.smk", line 27:\n[Errno 28] No space left on device\n  File',
            "[Errno 28] No space left on device",
        ),
        (
            "SLURM sbatch failed. The error message was 'sbatch: no\nmore'.\n    sbatch call:\n  x",
            "SLURM did not take it: sbatch: no more",
        ),
        ("SLURM-job '3' failed, SLURM status is: 'TIMEOUT'. No reason.", "ended by SLURM as TIMEOUT"),
    ],
)
def test_of_a_job_that_could_not_say_why_it_failed_snakemake_tells(error: str, why: str):
    assert (
        failure("judge_claims", ["x.log"], error)
        == f"Failed: judge_claims (Judge claims): {why} (more in x.log)"
    )


def test_a_job_that_is_tried_again_has_not_failed():
    run = Run().start()
    run.begin(1, "judge_claims")
    run.tell("Error in rule", LogEvent.JOB_ERROR, level=logging.ERROR, jobid=1, log=["x.log"])
    run.begin(1, "judge_claims")
    assert run.close()[2:] == [
        "Starts again: judge_claims (Judge claims): ended without a word in its log (more in x.log)",
        "0 of 2 jobs done in 0 s. The next start goes on",
    ]


@pytest.mark.parametrize("one_says_why", [True, False])
def test_of_a_group_those_are_told_of_that_say_why_or_else_the_first(tmp_path: Path, one_says_why: bool):
    log = tmp_path / "gather.log"
    log.write_text(f"{FAILED}no such column\n" if one_says_why else "", encoding="utf-8")
    jobs = [{"jobid": 1, "log": ["judge.log"]}, {"jobid": 2, "log": [str(log)]}]
    run = Run().start()
    run.begin(1, "judge_claims")
    run.begin(2, "gather_parts", table="training")
    run.tell(
        "Error in group level-0",
        LogEvent.GROUP_ERROR,
        level=logging.ERROR,
        job_error_info=jobs,
        aux_logs=["slurm.log"],
    )
    for job in jobs:
        run.tell("Error in rule", LogEvent.JOB_ERROR, level=logging.ERROR, indent=True, **job)
    told = (
        f"gather_parts/training (What was trained): no such column (more in {log}, slurm.log)"
        if one_says_why
        else "judge_claims (Judge claims): ended without a word in its log (more in judge.log, slurm.log)"
    )
    assert run.close()[-2:] == [
        f"0 of 2 jobs done, {1 if one_says_why else 2} failed in 0 s. The next start goes on",
        f"Failed: {told}",
    ]


@pytest.mark.parametrize(("free", "flag", "trouble"), [(1, 0, "full"), (9999, os.ST_RDONLY, "read-only")])
def test_a_disk_in_trouble_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, flag: int, trouble: str
):
    log = tmp_path / "x.log"
    assert "the disk of" not in failure("judge_claims", [str(log)], "")
    state = SimpleNamespace(f_bavail=free, f_frsize=4096, f_flag=flag)
    monkeypatch.setattr("os.statvfs", lambda folder: state)
    line = failure("judge_claims", [str(log)], "")
    assert f"ended without a word in its log; the disk of {tmp_path} is {trouble} (more in {log})" in line


def test_of_a_disk_in_trouble_under_snakemake_itself_one_line_is_said():
    run = Run().start()
    trouble = "OSError: [Errno 30] Read-only file system: 'results/a.csv'"
    run.tell(f"Traceback (most recent call last):\n\n  File x\n\n{trouble}\n", level=logging.ERROR)
    (line,) = run.close()
    assert line == "Failed: [Errno 30] Read-only file system: 'results/a.csv' (more in snakemake.log)"


def test_jobs_that_an_interruption_ends_have_not_failed():
    run = Run().start()
    run.begin(1, "judge_claims")
    run.tell("Terminating processes on user request, this might take some time.")
    run.tell("CalledProcessError ...", LogEvent.ERROR, level=logging.ERROR)
    run.tell("Error in rule", LogEvent.JOB_ERROR, level=logging.ERROR, jobid=1, log=[])
    assert run.close()[2:] == ["0 of 2 jobs done in 0 s. The next start goes on"]


def test_a_run_that_is_told_to_end_says_what_it_waits_for_once():
    run = Run().start()
    run.begin(1, "judge_claims")
    for _ in range(2):
        run.tell("Will exit after finishing currently running jobs (scheduler).")
    assert run.close()[2:] == [
        "Ending: jobs that run or were sent go on to their ends, no others begin",
        "0 of 2 jobs done in 0 s. The next start goes on",
    ]


@pytest.mark.parametrize(
    ("last", "said"),
    [("failed: interrupted", "CalledProcessError ... exit status 1"), ("", "died with <Signals.SIGINT: 2>")],
)
def test_nor_have_jobs_that_ended_before_snakemake_heard_of_it(tmp_path: Path, last: str, said: str):
    log = tmp_path / "judge.log"
    log.write_text(last, encoding="utf-8")
    run = Run().start()
    run.begin(1, "judge_claims")
    run.begin(2, "gather_parts", table="training")
    run.tell("OSError: [Errno 5] gone", LogEvent.ERROR, level=logging.ERROR)
    run.tell("Error in rule", LogEvent.JOB_ERROR, level=logging.ERROR, jobid=2, log=[])
    run.tell(said, LogEvent.ERROR, level=logging.ERROR)
    run.tell("Error in rule", LogEvent.JOB_ERROR, level=logging.ERROR, jobid=1, log=[str(log)])
    run.tell("Terminating processes on user request, this might take some time.")
    assert [line.partition(" (")[0] for line in run.close()[2:]] == [
        "0 of 2 jobs done, 1 failed in 0 s. The next start goes on",
        "Failed: gather_parts/training",
    ]


def test_a_quiet_run_tells_failures_alone():
    run = Run(quiet={Quietness.ALL}).start()
    run.begin(1, "judge_claims")
    run.tell("Error in rule", LogEvent.JOB_ERROR, level=logging.ERROR, jobid=1, log=["x.log"])
    (line,) = run.close()
    assert line.startswith("Failed: judge_claims")


@pytest.mark.parametrize("setting", [word for word in ITS_OWN_WORDS if word != "dryrun"])
def test_who_asks_for_snakemakes_words_gets_them(setting: str):
    asked: dict[str, Any] = {setting: True}
    run = Run(**asked).start()
    assert not any(isinstance(handler, Terminal) for handler in run.logger.handlers)
    assert run.close() == ["banner", "Building DAG of jobs...", "Job stats: ..."]


def test_a_dry_run_tells_last_what_its_jobs_would_cost():
    said = Run(dryrun=True).start().close()
    assert said[:5] == ["banner", "Building DAG of jobs...", "Job stats: ...", "", "What that would cost:"]
    assert [line.split("  ")[0] for line in said[5:]][:1] == ["Chapter"]
    assert said[-2].startswith("All")
    assert re.fullmatch(
        r"About \d+ s on 2 cores, if they are as fast as those of results/reference.", said[-1]
    )


def test_a_dry_run_for_a_cluster_tells_the_least_time_and_that_no_card_is_counted_on():
    profile = Resources.from_mapping({"slurm_partition": "main"})
    *_, time, card = Run(dryrun=True, profile=profile, device="auto").start().close()
    assert re.match(r"At least \d+ s on a cluster, ", time)
    assert card == "A graphics card is not counted on."


def test_a_dry_run_that_is_to_be_quiet_tells_no_costs():
    assert Run(dryrun=True, quiet={Quietness.ALL}).start().close()[-1] == "Job stats: ..."


def test_a_dry_run_without_rates_says_so_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(costs, "RATES", tmp_path / "rates.csv")
    costs.rates.cache_clear()
    *_, last = Run(dryrun=True).start().close()
    costs.rates.cache_clear()
    assert re.fullmatch(r"What that would cost is not known: .*rates.csv is not whole .* makes it anew", last)


def test_on_a_node_of_a_cluster_snakemake_speaks_for_itself():
    run = Run()
    usual = logging.NullHandler()
    usual.name = "DefaultStreamHandler"
    run.logger.handlers, run.workflow.remote_exec = [usual], True
    attach(run.workflow, Path("nowhere.csv"), SETTINGS)
    assert run.logger.handlers == [usual]


def test_a_logger_that_the_user_has_chosen_stays():
    run = Run()
    own = logging.NullHandler()
    run.logger.handlers = [own]
    attach(run.workflow, Path("nowhere.csv"), SETTINGS)
    assert run.logger.handlers == [own]


def test_a_snakemake_that_keeps_its_loggers_elsewhere_speaks_for_itself():
    settings = SimpleNamespace(**dict.fromkeys(ITS_OWN_WORDS))
    attach(SimpleNamespace(output_settings=settings), Path("nowhere.csv"), SETTINGS)


def test_a_run_into_a_file_and_what_snakemake_says_into_its_log(project: Path):
    reference = project / "results/reference/smoke"
    reference.mkdir()
    told = "job,seconds\nmeasure_looks_linear,240\nmeasure_linear_chain,180\n"
    (reference / "costs.csv").write_text(told)
    run = snakemake(project, *SMOKE, "--", *TABLES, cores=1)
    assert run.returncode == 0, run.stderr
    *_, first, second, last = run.stderr.splitlines()
    plan = re.fullmatch(
        r"2 jobs on 1 core, about 7 min left \(until .*\); what snakemake says is in (.*)", first
    )
    assert plan
    assert second.partition(": 0 of 2 jobs done, about 7 min left")[0] in CHAPTERS
    assert re.fullmatch(r"2 of 2 jobs done in \d+ s\.", last)
    log = (project / plan[1]).read_text()
    assert "Job stats:" in log
    assert "Finished jobid" in log
    assert len(run.stderr.splitlines()) <= 5

    again = snakemake(project, *SMOKE, "--", *TABLES)
    assert again.stderr.splitlines()[-1].startswith("Nothing to be done")


def test_the_real_dry_run_counts_what_would_run_alone(project: Path):
    dry_run = ["--dry-run", *SMOKE, "--", *TABLES]
    assert snakemake(project, *SMOKE, "--", TABLES[1]).returncode == 0
    run = snakemake(project, *dry_run)
    assert run.returncode == 0, run.stderr
    *_, title, head, row, whole, time = run.stdout.splitlines()
    assert title == "What that would cost:"
    assert head.split() == ["Chapter", "Jobs", "Core", "minutes", "Longest", "job", "Memory"]
    assert row.startswith(chapter_of_job("measure_looks_linear"))
    assert re.fullmatch(r"All +1 +0 +\d s, measure_looks_linear +0.\d GB", whole)
    assert time.startswith("About")
    assert snakemake(project, *SMOKE, "--", TABLES[0]).returncode == 0
    assert "What that would cost" not in snakemake(project, *dry_run).stdout


def test_a_run_on_a_terminal_leaves_one_line(project: Path):
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        command(*SMOKE, "--", TABLES[0]), cwd=project, env=environment(), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b"".join(read_all(ours)).decode().replace("\r\n", "\n")
    assert run.wait() == 0, seen
    assert "0 of 1 job done" in seen
    assert shown(seen)[-1].startswith("1 of 1 job done in ")
    assert not any(": 0 of 1" in line or line == "1 of 1 job done" for line in shown(seen))


def read_all(descriptor: int) -> Iterator[bytes]:
    """What comes out of a pseudo terminal until its other end is closed, which Linux tells by an error."""
    try:
        while some := os.read(descriptor, 4096):
            yield some
    except OSError:
        pass
    finally:
        os.close(descriptor)


def shown(text: str) -> list[str]:
    """The lines that are left on a terminal."""
    lines: list[str] = []
    for line in text.removesuffix("\n").split("\n"):
        while line.startswith("\x1b[A\r\x1b[J"):
            line = line.removeprefix("\x1b[A\r\x1b[J")
            lines.pop()
        lines.append(line)
    return lines
