"""The workflow on a real SLURM of one node: tables of a run on one machine, whatever becomes of its jobs."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
from project_copy import (
    LONG_LOG,
    LONG_RUN,
    LONG_TABLE,
    SMOKE,
    copy_project,
    environment,
    prepare_long_run,
    snakemake,
    tables,
    told,
    wait_until,
)

PLUGIN = find_spec("snakemake_executor_plugin_slurm")
SLURM = ["--profile", "profiles/slurm", "--cores", "2"]

pytestmark = [
    pytest.mark.usefixtures("node"),
    pytest.mark.skipif(not PLUGIN, reason="needs the extra slurm (make test-cluster)"),
]


def with_plugin() -> dict[str, str]:
    assert PLUGIN is not None
    assert PLUGIN.origin is not None
    return environment(PYTHONPATH=str(Path(PLUGIN.origin).parents[1]))


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *SLURM, *arguments],
        cwd=project,
        env=with_plugin(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    started = start(project, *arguments)
    out, errors = started.communicate(timeout=1200)
    return subprocess.CompletedProcess(started.args, started.returncode, out, errors)


def slurm(*words: str) -> str:
    """What one of SLURM's commands says."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def jobs(project: Path) -> dict[str, str]:
    """What has become of the jobs of a project, as long as SLURM remembers, by their numbers."""
    lines = slurm(
        "squeue", "--noheader", "--states", "all", "--sort", "i", "--format", "%i|%T|%Z"
    ).splitlines()
    rows = [line.split("|") for line in lines]
    return {number: state for number, state, folder in rows if folder == str(project)}


def rules_sent() -> set[str]:
    """The rules of jobs, and of groups of jobs, that SLURM remembers."""
    return set(slurm("squeue", "--noheader", "--states", "all", "--format", "%k").splitlines())


def states(project: Path) -> list[str]:
    return [*jobs(project).values()]


def resumed(node: str) -> bool:
    """Whether SLURM takes a node back, which it does not while it still ends a job there."""
    words = ["scontrol", "update", f"nodename={node}", "state=resume"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_the_tables_are_those_of_a_run_on_one_machine(project: Path, tmp_path: Path):
    alone = copy_project(tmp_path / "alone")
    here = snakemake(alone, *SMOKE)
    assert here.returncode == 0, here.stderr
    there = run(project, *SMOKE)
    assert there.returncode == 0, there.stderr
    assert tables(project) == tables(alone)
    assert (project / "results/smoke/report.html").exists()
    sent = rules_sent()
    assert any(rule.startswith("rule_level-0_") for rule in sent)
    local = ("choose_trials", "compare_", "measure_learning_speed", "gather_parts", "draw_", "judge_claims")
    assert not [rule for rule in sent if any(name in rule for name in local)]
    assert set(states(project)) == {"COMPLETED"}
    lines = there.stderr.splitlines()
    assert any(" jobs on a cluster; what snakemake says is in " in line for line in lines)
    assert lines[-1].endswith("The report is results/smoke/report.html, .pdf and .tex")


def test_a_job_killed_at_its_time_limit_goes_on_with_more_time(project: Path, tmp_path: Path):
    """A minute's end is noticed in the second or third; the work takes some four, and then has an hour."""
    alone = copy_project(tmp_path / "alone")
    prepare_long_run(project, epochs=360)
    prepare_long_run(alone, epochs=360)
    with ThreadPoolExecutor() as pool:
        here = pool.submit(snakemake, alone, *LONG_RUN, cores=1)
        there = run(project, "--set-resources", "train_training:runtime=attempt**6", *LONG_RUN)
    assert there.returncode == 0, there.stderr
    assert here.result().returncode == 0, here.result().stderr
    assert states(project)[0] == "TIMEOUT"
    assert states(project)[-1] == "COMPLETED"
    assert "going on from" in (project / LONG_LOG).read_text()
    assert "going on from" not in (alone / LONG_LOG).read_text()
    assert (project / LONG_TABLE).read_bytes() == (alone / LONG_TABLE).read_bytes()
    assert "1 of 2 jobs done, 1 failed" in there.stderr
    assert "Starts again: train_training/plain-4-sgd (" in there.stderr
    assert "): ended by SLURM as TIMEOUT (more in " in there.stderr
    assert "failed" not in there.stderr.splitlines()[-1]


def test_a_node_that_is_drained_or_lost_loses_nothing(project: Path, node: str):
    """Drained, it ends what runs and takes nothing new; lost, its job starts again where it was."""
    prepare_long_run(project, epochs=200)
    started = start(project, *LONG_RUN)
    wait_until(lambda: list(project.glob("results/smoke/checkpoints/*.pt")), started)
    slurm("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")
    wait_until(lambda: states(project) == ["PENDING"], started)
    wait_until(lambda: resumed(node), started)
    [number] = jobs(project)
    # else in some minutes; SLURM refuses a job that starts in the second in which its node was lost
    slurm("scontrol", "update", f"jobid={number}", "starttime=now+3seconds")
    wait_until(lambda: states(project) == ["RUNNING"], started)
    slurm("scontrol", "update", f"nodename={node}", "state=drain", "reason=repair")
    try:
        _, errors = started.communicate(timeout=1200)
    finally:
        slurm("scontrol", "update", f"nodename={node}", "state=resume")
    assert started.returncode == 0, errors
    assert states(project) == ["COMPLETED"]
    assert "going on from" in (project / LONG_LOG).read_text()


def test_a_killed_run_leaves_jobs_that_the_next_one_names(project: Path):
    prepare_long_run(project, epochs=10_000)
    started = start(project, *LONG_RUN)
    wait_until(lambda: states(project) == ["RUNNING"], started)
    os.kill(started.pid, signal.SIGKILL)
    started.communicate(timeout=60)
    starts = [run(project, *LONG_RUN), snakemake(project, *LONG_RUN)]
    [number] = jobs(project)
    slurm("scancel", number)
    for second in starts:
        assert second.returncode != 0
        assert told(second) == [
            "Moving Target: jobs of another run in this folder have not ended; if that run is at work, wait "
            f"for it or stop it with Ctrl-C; if it is not, stop them with scancel {number}"
        ]


def test_a_start_that_is_refused_leaves_jobs_that_wait_alone(project: Path, tmp_path: Path):
    """SLURM opens a job's log when the job begins, in a folder that must still be there."""
    prepare_long_run(project, epochs=2)
    filling = ["--exclusive", "--parsable", "--output", "/dev/null", "--chdir", str(tmp_path)]
    other = slurm("sbatch", *filling, "--wrap", "sleep 3600")
    try:
        started = start(project, *LONG_RUN)
        wait_until(lambda: states(project) == ["PENDING"], started)
        refused = run(project, *LONG_RUN)
        assert refused.returncode != 0
        assert told(refused)[0].startswith("Moving Target: jobs of another run in this folder have not ended")
        assert states(project) == ["PENDING"]
    finally:
        slurm("scancel", other)
    _, errors = started.communicate(timeout=1200)
    assert started.returncode == 0, errors
    assert states(project) == ["COMPLETED"]


def test_a_run_that_is_interrupted_again_and_again_leaves_no_job(project: Path):
    """The first job is seen when the others are still being sent."""
    started = start(project, *SMOKE)
    wait_until(lambda: len(jobs(project)) > 0, started)
    for _ in range(3):
        started.send_signal(signal.SIGINT)
        time.sleep(0.2)
    _, errors = started.communicate(timeout=120)
    assert started.returncode != 0
    assert "Traceback" not in errors
    deadline = time.monotonic() + 60
    while {*states(project)} - {"CANCELLED", "COMPLETED"} and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "CANCELLED" in states(project)
    assert {*states(project)} <= {"CANCELLED", "COMPLETED"}
    interrupted = [f"results/smoke/tables/{table}.csv" for table in ("looks_linear", "linear_chain")]
    again = run(project, *SMOKE, "--", *interrupted)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["slurm_partition=gpu"], "slurm_partition is gpu; allowed, for they have a node that is up: main"),
        (
            ["slurm_partition=main", "mem_mb=9000000"],
            "a group of short jobs (--group-components), measure_whiteness the largest, asks for 9000000 MB",
        ),
    ],
)
def test_what_the_cluster_has_not_is_said_before_anything_runs(project: Path, words: list[str], line: str):
    resources = ["--set-resources", *(f"measure_whiteness:{word}" for word in words)]
    refused = run(project, *resources, *SMOKE, "--", "results/smoke/tables/whiteness.csv")
    assert refused.returncode != 0
    assert [message[: len("Moving Target: ") + len(line)] for message in told(refused)] == [
        f"Moving Target: {line}"
    ]
    assert not list(project.glob("results/smoke/tables/*"))


def test_a_graphics_card_that_the_cluster_has_not_is_said_before_anything_runs(project: Path):
    table = "results/smoke/tables/layer_gradients.csv"
    refused = run(project, *SMOKE, "--config", "device=cuda", "--", table)
    assert refused.returncode != 0
    reason = "Invalid generic resource (gres) specification"
    asked = "device is cuda, for which jobs ask for --gpus 1"
    assert told(refused) == [f"Moving Target: {asked}; SLURM says: sbatch: error: {reason}"]
    assert not (project / table).exists()
