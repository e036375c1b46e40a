"""Rule judge_claims: the tables and the registered claims -> the table of verdicts."""

from movingtarget.report.claims import judge
from movingtarget.tables import read_table, write_table
from movingtarget_workflow.job import job
from movingtarget_workflow.run import claims_of

if __name__ == "__main__":
    with job(snakemake):
        names = snakemake.params.tables
        tables = {name: read_table(path, name) for name, path in zip(names, snakemake.input, strict=False)}
        verdicts = judge(claims_of(), tables, snakemake.params.scale)
        write_table(verdicts, "claims", snakemake.output.table)
