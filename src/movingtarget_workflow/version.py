"""Which code made a result."""

import subprocess
from pathlib import Path

from movingtarget_workflow.sources import PROJECT, SOURCE, digest


def code_version() -> str:
    """The commit, marked "modified" if tracked files differ from it; without git a digest of the library.

    Only a repository of the project's own counts, not one that its folder happens to lie in.
    """
    if Path(_git("rev-parse", "--show-toplevel") or "/").resolve() == PROJECT.resolve():
        return _git("describe", "--always", "--abbrev=7", "--exclude=*", "--dirty= (modified)")
    return f"sha256 {digest(sorted((SOURCE / 'movingtarget').rglob('*.py')))}"


def _git(*words: str) -> str:
    command = ["git", "-C", str(PROJECT), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
