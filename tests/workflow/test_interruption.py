"""Ctrl-C and kill -9 in the middle of training, crashes, two runs at once: the next start goes on."""

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from project_copy import command, environment, snakemake

from movingtarget_workflow.chapters import chapter_of_job

LONG = """
training:
  seeds: [0, 1]
  learning_rates: [0.03]
  hidden_width: 64
  batch_size: 16
  epochs: {epochs}
  evaluations_per_epoch: 1
  evaluation_examples: 300
  arms: [{{network: plain, depth: 4, update_rule: sgd}}]
"""
TABLE = "results/smoke/tables/parts/training/plain-4-sgd.csv"
LOG = "results/smoke/logs/train_training/plain-4-sgd.log"
OVERLAY = ["--configfile", "config/smoke.yaml", "config/long.yaml"]


def prepare(project: Path, epochs: int) -> None:
    (project / "config/long.yaml").write_text(LONG.format(epochs=epochs))


def start(project: Path) -> subprocess.Popen[str]:
    """A run in a process group of its own that heeds Ctrl-C, as a terminal would start it."""
    return subprocess.Popen(
        command(*OVERLAY, "--", TABLE),
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )


def wait_for(project: Path, run: subprocess.Popen[str], file: str) -> None:
    deadline = time.monotonic() + 120
    while not list(project.glob(file)):
        assert run.poll() is None, run.stdout and run.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("kill", ["interrupt", "kill the run", "kill run and job"])
def test_the_next_start_goes_on(project: Path, tmp_path: Path, kill: str):
    prepare(project, epochs=4)
    run = start(project)
    wait_for(project, run, "results/smoke/checkpoints/*.pt")
    if kill == "interrupt":
        os.killpg(run.pid, signal.SIGINT)
    elif kill == "kill the run":
        os.kill(run.pid, signal.SIGKILL)
    else:
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)  # ends when the job, which holds the pipe, has ended too
    assert not (project / TABLE).exists()

    again = snakemake(project, *OVERLAY, "--", TABLE)
    assert again.returncode == 0, again.stderr
    assert "going on from" in (project / LOG).read_text()
    interrupted = (project / TABLE).read_bytes()
    assert not list(project.glob("results/smoke/checkpoints/*"))

    (project / TABLE).unlink()
    assert snakemake(project, *OVERLAY, "--", TABLE).returncode == 0
    assert "going on from" not in (project / LOG).read_text()
    assert (project / TABLE).read_bytes() == interrupted


def test_two_runs_in_one_folder_are_refused(project: Path):
    prepare(project, epochs=10_000)  # the first must not end before the second has begun
    run = start(project)
    wait_for(project, run, LOG)
    second = snakemake(project, *OVERLAY, "--", TABLE)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    assert second.returncode != 0
    assert "Moving Target: another run is writing to results/smoke" in second.stderr


def test_a_crash_reaches_the_log_and_is_the_last_word_on_the_terminal(project: Path):
    prepare(project, epochs=1)
    loop = project / "src/movingtarget/training/loop.py"
    loop.write_text(loop.read_text().replace("def _epoch(", "def _epoch(*_):\n    1 / 0\n\n\ndef _other("))
    run = snakemake(project, *OVERLAY, "--", TABLE)
    assert run.returncode != 0
    assert run.stderr.splitlines()[-2].startswith("1 of 2 jobs done, 1 failed in ")
    job = f"train_training/plain-4-sgd ({chapter_of_job('train_training')})"
    assert run.stderr.splitlines()[-1] == f"Failed: {job}: division by zero (more in {LOG})"
    assert run.stderr.count("division by zero") == 1
    assert "Traceback" not in run.stderr
    assert "ZeroDivisionError" in (project / LOG).read_text()
    assert not (project / TABLE).exists()


def test_an_altered_data_file_stops_training_with_its_name(project: Path):
    prepare(project, epochs=1)
    labels = project / "results/smoke/data/digits/train-labels-idx1-ubyte"
    assert snakemake(project, *OVERLAY, "--", str(labels.relative_to(project))).returncode == 0
    labels.write_bytes(labels.read_bytes()[:-5])
    run = snakemake(project, *OVERLAY, "--", TABLE)
    assert run.returncode != 0
    assert "train-labels-idx1-ubyte" in run.stderr
    assert not (project / TABLE).exists()
