"""The workflow on a real SLURM of one node: the tables of a run on one machine, whatever becomes of its jobs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from project_copy import SMOKE, copy_project, environment, snakemake, tables, told

PLUGIN = find_spec("snakemake_executor_plugin_slurm")
SLURM = ["--profile", "profiles/slurm", "--cores", "2"]
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
PART = "plain-4-sgd"
TABLE = f"results/smoke/tables/parts/training/{PART}.csv"
OVERLAY = ["--configfile", "config/smoke.yaml", "config/long.yaml"]

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


def states(project: Path) -> list[str]:
    """What has become of the jobs of a project, as long as SLURM remembers."""
    lines = slurm("squeue", "--noheader", "--states", "all", "--sort", "i", "--format", "%T|%Z").splitlines()
    return [state for state, folder in (line.split("|") for line in lines) if folder == str(project)]


def wait_until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def prepare(project: Path, epochs: int) -> None:
    (project / "config/long.yaml").write_text(LONG.format(epochs=epochs))


def test_the_tables_are_those_of_a_run_on_one_machine(project: Path, tmp_path: Path):
    alone = copy_project(tmp_path / "alone")
    here = snakemake(alone, *SMOKE)
    assert here.returncode == 0, here.stderr
    there = run(project, *SMOKE)
    assert there.returncode == 0, there.stderr
    assert tables(project) == tables(alone)
    assert (project / "results/smoke/report.html").exists()
    assert len(states(project)) > 3
    assert set(states(project)) == {"COMPLETED"}
    lines = there.stderr.splitlines()
    assert any(" jobs on a cluster; what snakemake says is in " in line for line in lines)
    assert lines[-1].endswith("The report is results/smoke/report.html, .pdf and .tex")
