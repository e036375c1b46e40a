"""Rule fetch_dataset: the published files of a data set, from the first source that has them."""

from pathlib import Path
from typing import TYPE_CHECKING

from movingtarget.data.catalogue import dataset_named
from movingtarget.data.fetch import fetch
from movingtarget_workflow.job import job

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":
    with job(snakemake) as running:
        # not a parameter of the rule: files are the same from any folder, and need no new training
        folder = snakemake.config["data_folder"]
        dataset, sums = dataset_named(snakemake.params.dataset), Path(snakemake.output.sums)
        fetch(dataset, sums.parent, Path(folder).expanduser() if folder else None, say=running.say)
        lines = [f"{sha256}  {name}\n" for name, sha256 in dataset.sha256.items()]
        sums.write_text("".join(lines), encoding="utf-8")
