"""Rule train_update_order: a data set -> the losses of every network in one update order."""

from pathlib import Path

from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import load_published
from movingtarget.experiments.update_orders import measure
from movingtarget.tables import write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake) as running:
        chosen = snakemake.params
        table = measure(
            load_published(dataset_named(chosen.dataset), Path(snakemake.input[0]).parent),
            order=snakemake.wildcards.order,
            **chosen.settings,
            kept=running.kept(),
            keep=running.keep,
            say=running.say,
        )
        write_table(table, "update_orders", snakemake.output.table)
