"""Two runs at once in one folder."""

from collections.abc import Callable
from pathlib import Path

from disturbed import copy_of, done, rest, same, start, undo, wait_for_jobs
from project_copy import SMOKE, snakemake, told


def test_a_second_run_is_refused_and_the_first_goes_on(
    undisturbed: Path, tmp_path: Path, tell: Callable[..., None]
):
    project = copy_of(undisturbed, tmp_path / "project")
    undo(project)
    kept, first = done(project, undisturbed).items(), start(project)
    wait_for_jobs(project, undisturbed, first, 3)
    before = done(project, undisturbed).items() - kept
    second = snakemake(project, *SMOKE)
    assert second.returncode != 0
    (line,) = told(second)
    assert "Traceback" not in second.stderr
    assert first.poll() is None
    said = rest(first)
    assert first.returncode == 0, said
    assert before <= done(project, undisturbed).items()
    tell(
        "a second run is started while the first one is at work",
        f"`{line}`",
        "the first run went on undisturbed",
        same(project, undisturbed),
    )
