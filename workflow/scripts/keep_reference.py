"""Rule reference: a finished run -> what is kept of it in git."""

from pathlib import Path
from typing import TYPE_CHECKING

from movingtarget_workflow.job import job
from movingtarget_workflow.reference import keep

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":
    with job(snakemake):
        keep(Path(snakemake.config["results"]), snakemake.params.tables, Path(snakemake.params.folder))
