"""Rule measure_moving_target: a data set -> how far the target moves in one family at one depth."""

from pathlib import Path

from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import load_published
from movingtarget.experiments.moving_target import measure
from movingtarget.tables import write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake) as running:
        chosen = snakemake.params
        table = measure(
            load_published(dataset_named(chosen.dataset), Path(snakemake.input[0]).parent),
            network=snakemake.wildcards.network,
            depth=int(snakemake.wildcards.depth),
            **chosen.settings,
            say=running.say,
        )
        write_table(table, "moving_target", snakemake.output.table)
