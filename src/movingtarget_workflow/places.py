"""Where tables are read."""

import os
from pathlib import Path

from movingtarget.declarations import studies
from movingtarget_workflow.sources import PROJECT

REFERENCES = [table for study in studies().values() if study.apart for table in study.tables]
"""Tables of studies that are no part of a whole run."""


def table_path(table: str, results: Path | str) -> Path:
    """Where a table is read: in a run's results or, of a study apart, among the references in git."""
    if table in REFERENCES:
        # relative, so that a project that is moved has nothing to do again
        return Path(os.path.relpath(PROJECT / f"results/reference/{table}.csv"))
    return Path(results) / f"tables/{table}.csv"
