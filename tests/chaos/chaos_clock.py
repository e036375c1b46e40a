"""A clock that jumps back in the middle of a run."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from disturbed import RESULTS, done, go_on, kill, rest, same, start, wait_for_jobs
from project_copy import planned

DAYS = 2
AHEAD = DAYS * 86400


def set_ahead(project: Path, since: float) -> None:
    """Date the results that were written since then as a clock that was ahead would have."""
    for file in (project / RESULTS).rglob("*"):
        written = file.stat().st_mtime
        if file.is_file() and written >= since:
            os.utime(file, (written + AHEAD, written + AHEAD))


def trouble(said: str) -> str:
    """What a run says last."""
    return " ".join(said.splitlines()[-1].split())


@pytest.mark.skipif(not shutil.which("faketime"), reason="needs faketime (apt-get install faketime)")
def test_a_run_was_killed_before_the_clock_was_set_right(
    undisturbed: Path, unfinished: Path, tell: Callable[..., None]
):
    began, kept = time.time(), done(unfinished, undisturbed).items()
    run = start(unfinished, "faketime", "-f", f"+{DAYS}d", FAKETIME_DONT_FAKE_MONOTONIC="1", NO_FAKE_STAT="1")
    wait_for_jobs(unfinished, undisturbed, run, 15)
    kill(run)
    set_ahead(unfinished, began)
    before = done(unfinished, undisturbed).items() - kept
    last = go_on(unfinished)
    assert before <= done(unfinished, undisturbed).items()
    equal = same(unfinished, undisturbed)
    assert planned(unfinished) == {}
    tell(
        f"the clock is {DAYS} days ahead until the run is killed after 15 jobs, and right afterwards",
        f"`{last}`",
        f"none of the {len(before)} jobs that were done ran again; a third start finds nothing to do",
        equal,
    )


def test_the_clock_is_set_right_in_the_middle_of_a_run(
    undisturbed: Path, unfinished: Path, tell: Callable[..., None]
):
    kept, run = done(unfinished, undisturbed).items(), start(unfinished)
    wait_for_jobs(unfinished, undisturbed, run, 15)
    set_ahead(unfinished, 0)
    said = rest(run)
    assert "Traceback" not in said
    before = done(unfinished, undisturbed).items() - kept
    last = go_on(unfinished) if run.returncode else "nothing more"
    assert before <= done(unfinished, undisturbed).items()
    equal = same(unfinished, undisturbed)
    assert planned(unfinished) == {}
    tell(
        f"the clock was {DAYS} days ahead until a run has done 15 jobs, which goes on",
        f"`{trouble(said)}`; at the next start `{last}`",
        f"none of the {len(before)} jobs that were done ran again; a third start finds nothing to do",
        equal,
    )
