"""The real workflow, run in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ["Snakefile", "config", "profiles", "report", "results/reference", "src", "workflow"]
SMOKE = ["--configfile", "config/smoke.yaml"]
TIMED = (
    "claims",  # some are about times
    "locoprop_budgets",
    "locoprop_costs",
    "locoprop_gaps",
    "update_order_budgets",
    "update_order_times",
)
"""Tables in which times stand."""


def environment(**changes: str) -> dict[str, str]:
    """The environment of a user, whose library is that of the project that he runs."""
    hidden = ("MOVINGTARGET", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return kept | {"OMP_NUM_THREADS": "1"} | changes


LONG = """
training:
  seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
  learning_rates: [0.03]
  hidden_width: 128
  batch_size: 64
  epochs: {epochs}
  evaluations_per_epoch: 1
  evaluation_examples: 300
  arms: [{{network: plain, depth: 4, update_rule: sgd}}]
"""
LONG_TABLE = "results/smoke/tables/parts/training/plain-4-sgd.csv"
LONG_LOG = "results/smoke/logs/train_training/plain-4-sgd.log"
LONG_RUN = ["--configfile", "config/smoke.yaml", "config/long.yaml", "--", LONG_TABLE]
"""A run of one job, as long as its epochs: a search kept after each step, then four times as long."""


def prepare_long_run(project: Path, epochs: int) -> None:
    (project / "config/long.yaml").write_text(LONG.format(epochs=epochs))


def wait_until(happened: Callable[[], object], run: subprocess.Popen[str], seconds: float = 600) -> None:
    """Wait while a run goes on."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def copy_project(folder: Path) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(source, folder / part)
    return folder


def command(*arguments: str, cores: int = 2) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]


def snakemake(
    project: Path, *arguments: str, cores: int = 2, **changes: str
) -> subprocess.CompletedProcess[str]:
    """A run in `project`; `changes` are of the environment."""
    return subprocess.run(
        command(*arguments, cores=cores),
        cwd=project,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=1800,  # a whole smoke run, on a slow machine beside other tests
        check=False,
    )


def finished_copy(folder: Path) -> Path:
    """A copy of the project after a smoke run."""
    run = snakemake(copy_project(folder), *SMOKE)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def planned(project: Path, *arguments: str) -> dict[str, int]:
    """Rules that a run would execute now, and how often."""
    run = snakemake(project, "--dry-run", *(arguments or SMOKE))
    assert run.returncode == 0, run.stdout + run.stderr
    table = re.search(r"Job stats:\n(.*?)\n\n", run.stdout, re.DOTALL)
    rows = [row.split() for row in (table[1].splitlines()[2:] if table else [])]
    return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}


def tables(project: Path) -> dict[str, bytes]:
    """What a smoke run's tables hold, but for those in which times stand."""
    folder = project / "results/smoke/tables"
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*.csv")}
    return {name: path.read_bytes() for name, path in sorted(files.items()) if path.stem not in TIMED}


def told(run: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of Moving Target's own on why there was no run."""
    return [line for line in run.stderr.splitlines() if line.startswith("Moving Target: ")]
