"""A run of the real workflow that many tests look at."""

from pathlib import Path

import pytest
from project_copy import finished_copy


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project after `snakemake --cores 2` at smoke scale; tests must leave it finished."""
    return finished_copy(tmp_path_factory.mktemp("finished"))
