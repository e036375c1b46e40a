"""Studies that can use a card make the same tables when their images and members lie on another device."""

from contextlib import nullcontext
from functools import cache
from importlib import import_module
from typing import Any

import pandas as pd
import pytest
import torch
from elsewhere import another_device

from movingtarget.data.load import Images
from movingtarget.declarations import studies
from movingtarget.study import Job, Study
from movingtarget_workflow.compare_costs import config_of
from movingtarget_workflow.plan import jobs_of

ACCELERATED = [name for name, study in studies().items() if study.accelerated]
CPU, ANOTHER = torch.device("cpu"), torch.device("meta")
TOLERANCE = 1e-6
"""Relative: where memory is laid out otherwise, sums are taken in another order."""


CONFIG = config_of("smoke.yaml")


@cache
def square_images() -> Images:
    """As many as the digits have, of 8 x 8 pixels, in ten classes that overlap."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(1800) % 10
    inputs = torch.randn(10, 64, generator=source)[labels] + torch.randn(1800, 64, generator=source)
    return Images(inputs[:1440], labels[:1440], inputs[1440:], labels[1440:], mean=110.0, deviation=30.0)


def first_job(name: str) -> Job:
    return next(iter(jobs_of(name, CONFIG).values()))


@cache
def made_here(name: str) -> Any:
    """What the first job of a study makes on the CPU: tables, and members if it keeps them."""
    return measured(name, CPU)


def measured(name: str, device: torch.device) -> Any:
    study, job = studies()[name], first_job(name)
    measure = import_module(f"movingtarget.experiments.{name}").measure
    given = needed(study, job)
    if study.members:
        given["members"] = made_here(study.members)[1]
    with another_device() if device == ANOTHER else nullcontext():
        return measure(**job.settings, **brought(given, device), say=lambda line: None)


def needed(study: Study, job: Job) -> dict[str, Any]:
    """Images, the tables that a study reads, of what a job is about, and nothing kept."""
    given: dict[str, Any] = {"images": square_images()} if study.images else {}
    kept = {"kept": None, "keep": lambda state: None} if study.resumable else {}
    return given | kept | {table: read(table, job) for table in study.reads}


def read(table: str, wanted: Job) -> pd.DataFrame:
    """A table, from the only job of its study or the one that is about the same as the one that reads it."""
    owner, study = next((name, study) for name, study in studies().items() if table in study.tables)
    jobs = jobs_of(owner, CONFIG)
    job = jobs.get("") or next(job for job in jobs.values() if about(job) == about(wanted))
    measure = import_module(f"movingtarget.experiments.{owner}").measure
    # its own inputs are of what the reader is about
    made: dict[str, pd.DataFrame] = measure(**job.settings, **needed(study, wanted), say=lambda line: None)
    return made[table]


def about(job: Job) -> list[Any]:
    return [job.settings.get(key) for key in ("architecture", "method", "regime", "order", "network")]


def brought(given: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Images and members on a device."""
    members = {
        step: {name: value.to(device) for name, value in parameters.items()}
        for step, parameters in given.get("members", {}).items()
    }
    images = {"images": given["images"].to(device)}
    return given | images | ({"members": members} if members else {})


@pytest.mark.parametrize("name", ACCELERATED)
def test_tables_are_the_same_on_another_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("movingtarget.training.budgets.PROBED", 20)
    here, there = made_here(name), measured(name, ANOTHER)
    if studies()[name].keeps_members:
        (here, members), (there, others) = here, there
        assert {value.device.type for step in others.values() for value in step.values()} == {"meta"}
        assert members.keys() == others.keys()
    for table, rows in here.items():
        pd.testing.assert_frame_equal(there[table], rows, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("name", ACCELERATED)
def test_tables_are_made_on_a_card(name: str, monkeypatch: pytest.MonkeyPatch, card: torch.device) -> None:
    monkeypatch.setattr("movingtarget.training.budgets.PROBED", 20)
    made = measured(name, card)
    tables = made[0] if studies()[name].keeps_members else made
    for table, rows in tables.items():
        assert {*rows} == {*studies()[name].tables[table]}
