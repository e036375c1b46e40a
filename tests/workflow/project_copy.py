"""The real workflow, run in a copy of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ["Snakefile", "config", "profiles", "report", "src", "workflow"]


def environment(project: Path) -> dict[str, str]:
    """The environment of a user in `project`, whose own copy of the library is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOVINGTARGET")}
    return kept | {"PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}


def copy_project(folder: Path) -> Path:
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy2(source, folder / part)
    return folder


def command(*arguments: str, cores: int = 2) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]


def snakemake(project: Path, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments, cores=cores),
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
