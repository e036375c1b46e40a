"""Ctrl-C and kill -9 in the middle of training, crashes, two runs at once: the next start goes on."""

import os
import re
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from project_copy import (
    LONG_LOG,
    LONG_RUN,
    LONG_TABLE,
    SMOKE,
    command,
    environment,
    prepare_long_run,
    snakemake,
    wait_until,
)

from movingtarget_workflow import interruption
from movingtarget_workflow.chapters import chapter_of_job


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    """A run in a process group of its own that heeds Ctrl-C, as a terminal would start it."""
    return subprocess.Popen(
        command(*arguments),
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )


CTRL_C = "import signal; signal.raise_signal(signal.SIGINT)\n"
IN_A_PLAN = """
rule planned:
    input: lambda wildcards: signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.parametrize("moment", ["modules are loaded", "rules have been read", "jobs are planned"])
def test_before_jobs_run_ctrl_c_ends_all_with_a_line(project: Path, moment: str):
    text = (project / "Snakefile").read_text()
    first = "\nend_when_interrupted()\n"
    assert text.count(first) == 1
    texts = {
        "modules are loaded": text.replace(first, first + CTRL_C),
        "rules have been read": f"{text}\n{CTRL_C}",
        "jobs are planned": f"import signal\n{text}{IN_A_PLAN}",
    }
    (project / "Snakefile").write_text(texts[moment])
    run = snakemake(project, *SMOKE, *(["--", "planned"] if moment == "jobs are planned" else []))
    assert run.returncode == -signal.SIGINT
    assert run.stderr.splitlines()[-1] == "Moving Target: interrupted; the next start goes on"
    assert "Traceback" not in run.stderr


def test_a_job_interrupted_before_its_script_has_begun_says_so_in_its_log_alone(project: Path):
    """Ctrl-C comes in the first line of the job, which has yet to import what it needs."""
    script = project / "workflow/scripts/fetch_dataset.py"
    script.write_text(f"import os, signal\nos.killpg(0, signal.SIGINT)\n{script.read_text()}")
    run = start(project, *SMOKE, "--", "fetch_dataset")
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "Traceback" not in said
    assert re.fullmatch(r"0 of 1 job done in \d+ s\. The next start goes on", said.splitlines()[-1])
    assert (project / "results/smoke/logs/fetch_dataset.log").read_text() == "failed: interrupted\n"


def test_where_ctrl_c_is_ignored_it_still_is():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interruption.end_when_interrupted()
        interruption.interrupt_jobs(SimpleNamespace(_executor=None, _local_executor=None))
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "kill", ["interrupt", "interrupt again and again", "kill the run", "kill run and job"]
)
def test_the_next_start_goes_on(project: Path, tmp_path: Path, kill: str):
    prepare_long_run(project, epochs=4)
    run = start(project, *LONG_RUN)
    wait_until(lambda: [*project.glob("results/smoke/checkpoints/*.pt")], run)
    if kill == "interrupt":
        os.killpg(run.pid, signal.SIGINT)
    elif kill == "interrupt again and again":
        deadline = time.monotonic() + 60
        while run.poll() is None and time.monotonic() < deadline:
            os.killpg(run.pid, signal.SIGINT)
            time.sleep(0.02)
    elif kill == "kill the run":
        os.kill(run.pid, signal.SIGKILL)
    else:
        os.killpg(run.pid, signal.SIGKILL)
    said, _ = run.communicate(timeout=60)  # ends when the job, which holds the pipe, has ended too
    assert not (project / LONG_TABLE).exists()
    if kill.startswith("interrupt"):
        assert "Traceback" not in said
        assert said.splitlines()[-1].endswith("The next start goes on")

    again = snakemake(project, *LONG_RUN)
    assert again.returncode == 0, again.stderr
    assert "going on from" in (project / LONG_LOG).read_text()
    interrupted = (project / LONG_TABLE).read_bytes()
    assert not list(project.glob("results/smoke/checkpoints/*"))

    (project / LONG_TABLE).unlink()
    assert snakemake(project, *LONG_RUN).returncode == 0
    assert "going on from" not in (project / LONG_LOG).read_text()
    assert (project / LONG_TABLE).read_bytes() == interrupted


def test_two_runs_in_one_folder_are_refused(project: Path):
    prepare_long_run(project, epochs=10_000)  # the first must not end before the second has begun
    run = start(project, *LONG_RUN)
    wait_until((project / LONG_LOG).exists, run)
    second = snakemake(project, *LONG_RUN)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    assert second.returncode != 0
    assert "Moving Target: another run is writing to results/smoke" in second.stderr


def test_a_crash_reaches_the_log_and_is_the_last_word_on_the_terminal(project: Path):
    prepare_long_run(project, epochs=1)
    loop = project / "src/movingtarget/training/loop.py"
    loop.write_text(loop.read_text().replace("def _epoch(", "def _epoch(*_):\n    1 / 0\n\n\ndef _other("))
    run = snakemake(project, *LONG_RUN)
    assert run.returncode != 0
    assert run.stderr.splitlines()[-2].startswith("1 of 2 jobs done, 1 failed in ")
    job = f"train_training/plain-4-sgd ({chapter_of_job('train_training')})"
    assert run.stderr.splitlines()[-1] == f"Failed: {job}: division by zero (more in {LONG_LOG})"
    assert run.stderr.count("division by zero") == 1
    assert "Traceback" not in run.stderr
    assert "ZeroDivisionError" in (project / LONG_LOG).read_text()
    assert not (project / LONG_TABLE).exists()


def test_an_altered_data_file_stops_training_with_its_name(project: Path):
    prepare_long_run(project, epochs=1)
    labels = project / "results/smoke/data/digits/train-labels-idx1-ubyte"
    assert snakemake(project, *LONG_RUN[:-1], str(labels.relative_to(project))).returncode == 0
    labels.write_bytes(labels.read_bytes()[:-5])
    run = snakemake(project, *LONG_RUN)
    assert run.returncode != 0
    assert "train-labels-idx1-ubyte" in run.stderr
    assert not (project / LONG_TABLE).exists()
