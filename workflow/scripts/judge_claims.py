"""Rule judge_claims: the tables and the registered claims -> the table of verdicts."""

from typing import TYPE_CHECKING

from movingtarget.claims.judge import VERDICTS, judge
from movingtarget.declarations import schemas
from movingtarget.tables import read_table, write_table
from movingtarget_workflow.job import job
from movingtarget_workflow.run import claims_of

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":
    with job(snakemake):
        tables = {name: read_table(path, schemas()[name]) for name, path in snakemake.input.items()}
        verdicts = judge(claims_of(), tables, snakemake.params.scale)
        write_table(verdicts, VERDICTS, snakemake.output.table)
