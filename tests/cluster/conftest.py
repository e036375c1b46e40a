"""A SLURM of one node, for as long as the tests last."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "one_node.sh"


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the only node of a SLURM that is up."""
    if os.getuid() != 0 or not shutil.which("slurmctld") or not shutil.which("munged"):
        pytest.skip("needs root, slurm-wlm and munge (apt-get install slurm-wlm munge)")
    folder = tmp_path_factory.mktemp("slurm")
    try:
        subprocess.run([SCRIPT, "up", folder], check=True)
        yield subprocess.run(
            ["sinfo", "--noheader", "--format", "%n"], capture_output=True, text=True, check=True
        ).stdout.strip()
    finally:
        subprocess.run([SCRIPT, "down", folder], check=True)
