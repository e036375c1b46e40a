"""Rule take_reference: what is kept of a run -> its tables and records, where a run makes them."""

from pathlib import Path
from typing import TYPE_CHECKING

from movingtarget_workflow.job import job
from movingtarget_workflow.reference import unpacked

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":
    with job(snakemake):
        for kept, file in zip(snakemake.input.tables, snakemake.output.tables, strict=True):
            Path(file).write_bytes(unpacked(Path(kept)))
        for kept, file in zip(snakemake.input.records, snakemake.output.records, strict=True):
            Path(file).write_bytes(Path(kept).read_bytes())
