"""Rule record_run: settings, and what snakemake noted of each job -> what the run says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from movingtarget.tables import write_table
from movingtarget_workflow.job import job
from movingtarget_workflow.record import COSTS, as_yaml, costs_of, made

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":
    with job(snakemake):
        chosen, output = snakemake.params, snakemake.output
        Path(output.settings).write_text(as_yaml(chosen.settings), encoding="utf-8")
        Path(output.record).write_text(as_yaml(made(snakemake.config["device"])), encoding="utf-8")
        costs = costs_of(chosen.jobs, Path(snakemake.config["results"]) / "costs")
        write_table(costs, COSTS, output.costs)
