"""Rule measure_learning_speed: the depth ladder and its first gradients -> steps to a threshold."""

from movingtarget.experiments.learning_speed import learning_speed
from movingtarget.tables import read_table, write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        given = snakemake.input
        ladder = read_table(given.ladder, "depth_ladder")
        shattering = read_table(given.shattering, "shattering_in_training")
        table = learning_speed(ladder, shattering, snakemake.params.threshold)
        write_table(table, "learning_speed", snakemake.output.table)
