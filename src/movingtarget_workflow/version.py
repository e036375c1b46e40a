"""Which code made a result."""

import subprocess

from movingtarget_workflow.sources import digest, sources


def code_version() -> str:
    """The commit, marked "modified" if tracked files differ from it; without git a digest of the library."""
    command = ["git", "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty= (modified)"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return f"sha256 {digest(sources('experiments', 'figures', 'report', 'training'))}"
