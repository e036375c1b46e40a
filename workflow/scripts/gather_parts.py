"""Rule gather_parts: the parts of a table -> the table."""

import pandas as pd

from movingtarget.tables import read_table, write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        name = snakemake.wildcards.table
        parts = [read_table(path, name) for path in snakemake.input.parts]
        write_table(pd.concat(parts, ignore_index=True), name, snakemake.output.table)
