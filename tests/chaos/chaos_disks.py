"""Disks that are full or become read-only, beforehand and in the middle of a run."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from disturbed import RESULTS, copy_of, failures, go_on, rest, same, start, torn, wait_for_jobs
from project_copy import SMOKE, snakemake, told

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")

PLENTY = 200_000_000


def mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True)


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A disk of its own for a folder, with what the folder holds."""
    aside = place.with_name(f"{place.name}-aside")
    place.rename(aside)
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={PLENTY}", "tmpfs", place)
    try:
        copy_of(aside, place)
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Whatever is opened in a folder from now on can only be read."""
    mount("--bind", place, place)
    try:
        mount("-o", "remount,bind,ro", place)
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def leave(place: Path, free: int) -> None:
    """Let a small disk have so many bytes left."""
    mount("-o", f"remount,size={shutil.disk_usage(place).used + free}", place)


def left(project: Path, undisturbed: Path) -> str:
    """Assert that nothing is half-written."""
    assert torn(project, undisturbed) == []
    assert [*project.glob("results/smoke/**/*.part")] == []
    return "nothing torn, no unfinished file"


@pytest.mark.parametrize(
    ("name", "disk", "free"),
    [("the results folder", "results/smoke", 400_000), ("the whole project", "", 700_000)],
)
def test_a_disk_that_the_run_fills(
    undisturbed: Path, unfinished: Path, tell: Callable[..., None], name: str, disk: str, free: int
):
    with small_disk(unfinished / disk):
        leave(unfinished / disk, free)
        run = start(unfinished)
        said = failures(rest(run))
        assert run.returncode != 0
        assert all("No space left on device" in line or " is full (more in" in line for line in said)
        whole = left(unfinished, undisturbed)
        mount("-o", f"remount,size={PLENTY}", unfinished / disk)
        go_on(unfinished)
        tell(
            f"the disk of {name} fills up in the middle of a run",
            f"`{said[0]}`",
            whole,
            same(unfinished, undisturbed),
        )


def test_a_disk_that_something_else_fills(undisturbed: Path, unfinished: Path, tell: Callable[..., None]):
    disk = unfinished / RESULTS
    with small_disk(disk):
        run = start(unfinished)
        wait_for_jobs(unfinished, undisturbed, run, 4)
        leave(disk, 0)
        said = failures(rest(run))
        assert run.returncode != 0
        assert all(" is full (more in" in line for line in said)
        whole = left(unfinished, undisturbed)
        refused = snakemake(unfinished, *SMOKE)
        (line,) = told(refused)
        assert "No space left on device" in line
        mount("-o", f"remount,size={PLENTY}", disk)
        go_on(unfinished)
        tell(
            "something else fills the disk of the results folder in the middle of a run, which starts again",
            f"`{said[0]}`; then `{line}`",
            whole,
            same(unfinished, undisturbed),
        )


def test_a_results_folder_that_cannot_be_written(
    undisturbed: Path, unfinished: Path, tell: Callable[..., None]
):
    with read_only(unfinished / RESULTS):
        refused = snakemake(unfinished, *SMOKE)
        assert refused.returncode != 0
        (line,) = told(refused)
        assert "Traceback" not in refused.stderr
        assert "jobs on" not in refused.stderr
    whole = left(unfinished, undisturbed)
    go_on(unfinished)
    tell("the results folder is read-only", f"`{line}`", whole, same(unfinished, undisturbed))


def test_a_results_folder_that_becomes_read_only(
    undisturbed: Path, unfinished: Path, tell: Callable[..., None]
):
    run = start(unfinished)
    disk = unfinished / RESULTS
    wait_for_jobs(unfinished, undisturbed, run, 4)
    with read_only(disk):
        said = failures(rest(run))
        assert run.returncode != 0
        assert all("Read-only file system" in line or " is read-only (more in" in line for line in said)
    whole = left(unfinished, undisturbed)
    go_on(unfinished)
    tell(
        "the results folder becomes read-only in the middle of a run",
        f"`{said[0]}`",
        whole,
        same(unfinished, undisturbed),
    )
