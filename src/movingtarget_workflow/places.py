"""Where tables are read, and what is read there."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from movingtarget.declarations import studies
from movingtarget.tables import Schema, read_table
from movingtarget_workflow.sources import PROJECT

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = [table for study in studies().values() if study.apart for table in study.tables]
"""Tables of studies that are no part of a whole run."""


def table_path(table: str, results: Path | str) -> Path:
    """Where a table is read: in a run's results or, of a study apart, among the references in git."""
    if table in REFERENCES:
        # relative, so that a project that is moved has nothing to do again
        return Path(os.path.relpath(PROJECT / f"results/reference/{table}.csv"))
    return Path(results) / f"tables/{table}.csv"


def is_missing(table: str) -> bool:
    """Whether a reference was left out of a copy of the project, which has to do without it."""
    return table in REFERENCES and not table_path(table, "").exists()


def read(table: str, schema: Schema, results: Path | str) -> "pd.DataFrame":
    """A table, without rows if it is a missing reference; raises what `read_table` raises."""
    import pandas as pd

    if is_missing(table):
        return pd.DataFrame(columns=[*schema])
    return read_table(table_path(table, results), schema)
