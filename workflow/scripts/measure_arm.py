"""Rules measure_... of trained members: an arm's snapshots -> one measurement, layer by layer."""

from importlib import import_module
from pathlib import Path

import torch

from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import load_published
from movingtarget.experiments.trained_members import arm_network
from movingtarget.tables import write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        chosen = snakemake.params
        measure = import_module(f"movingtarget.experiments.{chosen.measurement}").measure
        images = load_published(dataset_named(chosen.dataset), Path(snakemake.input[0]).parent)
        table = measure(
            arm_network(chosen.arm, images, **chosen.network),
            torch.load(snakemake.input.members),
            images,
            chosen.seeds,
            **chosen.settings,
        )
        write_table(table.assign(**chosen.arm), chosen.measurement, snakemake.output.table)
