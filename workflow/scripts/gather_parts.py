"""Rule gather_parts: the parts of a table -> the table."""

from typing import TYPE_CHECKING

from movingtarget.declarations import schemas
from movingtarget.tables import join_parts
from movingtarget_workflow.job import job

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":
    with job(snakemake):
        schema = schemas()[snakemake.wildcards.table]
        join_parts(snakemake.input.parts, schema, snakemake.output.table)
