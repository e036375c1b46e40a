"""Rules of studies: settings, and what a study needs -> the tables that it makes, or parts of them."""

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movingtarget.declarations import schemas, studies
from movingtarget.tables import read_table, write_table
from movingtarget_workflow.device import device_of
from movingtarget_workflow.job import Job, job

if TYPE_CHECKING:
    from snakemake.script import snakemake


def needs(snakemake: Any, device: str) -> dict[str, Any]:
    """What the study needs beside its settings, by the name that its `measure` has for it.

    Images and members are put on the device, and all that the study makes is made where they are.
    """
    study = studies()[snakemake.params.study]
    given: dict[str, Any] = {}
    for table in study.reads:
        given[table] = read_table(snakemake.input[table], schemas()[table])
    if study.images:
        from movingtarget.data.catalogue import dataset_named
        from movingtarget.data.load import load_published

        dataset = dataset_named(snakemake.params.dataset)
        images = load_published(dataset, Path(snakemake.input.images).parent)
        given["images"] = images.to(device)
    if study.members:
        import torch

        given["members"] = torch.load(snakemake.input.members, map_location=device, weights_only=True)
    return given


def checkpoint(snakemake: Any, running: Job, device: str) -> dict[str, Any]:
    """What a study that can be taken up again wants to know."""
    resumable = studies()[snakemake.params.study].resumable
    return {"kept": running.kept(device), "keep": running.keep} if resumable else {}


def one_way() -> None:
    """Sums must not change with the number of threads, nor a card's products be rounded to ten bits."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
        torch.set_deterministic_debug_mode("error")  # the same, without importing the compiler: 1.3 s
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


if __name__ == "__main__":
    with job(snakemake, snakemake.input) as running:
        chosen = snakemake.params
        study = studies()[chosen.study]
        measure = import_module(f"movingtarget.experiments.{chosen.study}").measure
        one_way()
        device = device_of(chosen.device)
        given = {**needs(snakemake, device), **checkpoint(snakemake, running, device)}
        made = measure(**chosen.settings, **given, say=running.say)
        tables, members = made if study.keeps_members else (made, None)
        if members is not None:
            import torch

            torch.save(members, snakemake.output.members)
        for name, schema in study.tables.items():
            write_table(tables[name], schema, snakemake.output[name])
