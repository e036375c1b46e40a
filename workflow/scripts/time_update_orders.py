"""Rule time_update_orders: a data set -> seconds of a step of every network in every update order."""

from pathlib import Path

from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import load_published
from movingtarget.experiments.update_order_times import measure
from movingtarget.tables import write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake) as running:
        chosen = snakemake.params
        images = load_published(dataset_named(chosen.dataset), Path(snakemake.input[0]).parent)
        table = measure(images, **chosen.settings, say=running.say)
        write_table(table, "update_order_times", snakemake.output.table)
