"""Copies of the project to run the real workflow in."""

from pathlib import Path

import pytest
from project_copy import SMOKE, copy_project, snakemake


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project in which nothing has run yet."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project after `snakemake --cores 2` at smoke scale; tests must leave it finished."""
    folder = copy_project(tmp_path_factory.mktemp("finished"))
    run = snakemake(folder, *SMOKE)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder
