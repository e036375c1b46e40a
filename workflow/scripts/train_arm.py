"""Rule train_arm: a data set -> the curves of every member, and the members at the best learning rate."""

from pathlib import Path

import torch

from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import load_published
from movingtarget.experiments.trained_members import train_arm
from movingtarget.tables import write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake) as running:
        chosen = snakemake.params
        trained = train_arm(
            dict(chosen.arm),
            load_published(dataset_named(chosen.dataset), Path(snakemake.input[0]).parent),
            chosen.seeds,
            **chosen.network,
            initial_weights=chosen.initial_weights,
            rule_settings=chosen.rule_settings,
            schedule=chosen.schedule,
            resumed=running.kept(),
            keep=running.keep,
            say=running.say,
        )
        torch.save(trained.snapshots, snakemake.output.members)
        write_table(trained.table, chosen.study, snakemake.output.table)
