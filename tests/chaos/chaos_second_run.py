"""Two runs at once in one folder."""

from collections.abc import Callable
from pathlib import Path

from disturbed import done, rest, same, start, wait_for_jobs
from project_copy import SMOKE, snakemake, told


def test_a_second_run_is_refused_and_the_first_goes_on(
    undisturbed: Path, unfinished: Path, tell: Callable[..., None]
):
    kept, first = done(unfinished, undisturbed).items(), start(unfinished)
    wait_for_jobs(unfinished, undisturbed, first, 3)
    before = done(unfinished, undisturbed).items() - kept
    second = snakemake(unfinished, *SMOKE)
    assert second.returncode != 0
    (line,) = told(second)
    assert "Traceback" not in second.stderr
    assert first.poll() is None
    said = rest(first)
    assert first.returncode == 0, said
    assert before <= done(unfinished, undisturbed).items()
    tell(
        "a second run is started while the first one is at work",
        f"`{line}`",
        "the first run went on undisturbed",
        same(unfinished, undisturbed),
    )
