"""Rules measure_... of random networks: settings, and images where they are needed -> the tables."""

from importlib import import_module
from pathlib import Path

from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import load_published
from movingtarget.tables import write_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake) as running:
        chosen = snakemake.params
        measure = import_module(f"movingtarget.experiments.{chosen.experiment}").measure
        settings = dict(chosen.settings)
        if chosen.dataset:
            settings["images"] = load_published(
                dataset_named(chosen.dataset), Path(snakemake.input[0]).parent
            )
        tables = measure(**settings, say=running.say)
        for path in map(Path, snakemake.output):
            write_table(tables[path.stem], path.stem, path)
