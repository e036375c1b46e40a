"""A clock that jumps back in the middle of a run."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from disturbed import copy_of, done, go_on, kill, same, start, undo, wait_for_jobs
from project_copy import planned

DAYS = 2
AHEAD = DAYS * 86400


def shift(files: Iterator[Path], since: float) -> None:
    """Set the times of files that were written since then ahead."""
    for file in files:
        stat = file.lstat()
        if file.is_file() and stat.st_mtime >= since:
            os.utime(file, (stat.st_atime + AHEAD, stat.st_mtime + AHEAD))


def set_ahead(project: Path) -> None:
    """What snakemake keeps of jobs as it would be had they run with the clock ahead."""
    for file in (project / ".snakemake/metadata").iterdir():
        kept = json.loads(file.read_text())
        file.write_text(json.dumps(kept | {key: kept[key] + AHEAD for key in ("starttime", "endtime")}))


@pytest.mark.skipif(not shutil.which("faketime"), reason="needs faketime (apt-get install faketime)")
def test_the_clock_jumps_back_in_the_middle_of_a_run(
    undisturbed: Path, tmp_path: Path, tell: Callable[..., None]
):
    project = copy_of(undisturbed, tmp_path / "project")
    undo(project)
    began = (project / ".snakemake/metadata").stat().st_mtime
    run = start(project, "faketime", "-f", f"+{DAYS}d", FAKETIME_DONT_FAKE_MONOTONIC="1", NO_FAKE_STAT="1")
    wait_for_jobs(project, undisturbed, run, 15)
    kill(run)
    before = done(project, undisturbed)
    shift(project.glob("results/smoke/**/*"), began)
    last = go_on(project)
    assert before.items() <= done(project, undisturbed).items()
    equal = same(project, undisturbed)
    assert planned(project) == {}
    tell(
        f"the clock is {DAYS} days ahead until the run is killed after 15 jobs, and right afterwards",
        f"`{last}`",
        f"none of the {len(before)} jobs that were done ran again; a third start finds nothing to do",
        equal,
    )


def test_a_run_that_ended_in_the_future(undisturbed: Path, tmp_path: Path, tell: Callable[..., None]):
    project = copy_of(undisturbed, tmp_path / "project")
    undo(project)
    set_ahead(project)
    shift(project.rglob("*"), 0)
    before = done(project, undisturbed)
    last = go_on(project)
    assert before.items() <= done(project, undisturbed).items()
    equal = same(project, undisturbed)
    assert planned(project) == {}
    tell(
        f"all files, and what snakemake keeps of two thirds of the jobs, are of {DAYS} days later",
        f"`{last}`",
        "nothing beyond what lacked was done; a third start finds nothing to do",
        equal,
    )
