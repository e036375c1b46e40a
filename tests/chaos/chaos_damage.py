"""Files of a finished run, and a checkpoint of an interrupted one, that are cut short."""

from collections.abc import Callable
from pathlib import Path

import pytest
from disturbed import RESULTS, copy_of, go_on, kill, same, start
from project_copy import SMOKE, snakemake, told, wait_until


def in_mid_line(content: bytes) -> bytes:
    return content[: content.rindex(b"\n", 0, len(content) * 2 // 3) - 3]


def at_a_lines_end(content: bytes) -> bytes:
    return content[: content.rindex(b"\n", 0, len(content) * 2 // 3) + 1]


PART, TABLE = "tables/parts/training/batch-norm-3-sgd.csv", "tables/training.csv"
CUTS = {
    "a part of a table in mid line": (PART, in_mid_line),
    "a part of a table at a line's end": (PART, at_a_lines_end),
    "a gathered table in mid line": (TABLE, in_mid_line),
    "a gathered table at a line's end": (TABLE, at_a_lines_end),
    "a figure for the screen": ("figures/training_curves.svg", in_mid_line),
    "a figure for print": ("figures/training_curves.pdf", in_mid_line),
    "trained networks": ("members/training/batch-norm-3-sgd.pt", in_mid_line),
    "the report": ("report.html", in_mid_line),
}


@pytest.mark.parametrize("what", CUTS)
def test_cut_short(undisturbed: Path, tmp_path: Path, tell: Callable[..., None], what: str):
    project, (name, cut) = copy_of(undisturbed, tmp_path / "project"), CUTS[what]
    file = project / RESULTS / name
    file.write_bytes(cut(file.read_bytes()))
    refused = snakemake(project, *SMOKE)
    assert refused.returncode != 0
    (line,) = told(refused)
    assert f"{RESULTS / name} (" in line
    file.unlink()
    go_on(project)
    tell(
        f"cut short: {what}",
        f"`{line}`",
        "what was cut is deleted, as the line says",
        same(project, undisturbed),
    )


def test_a_checkpoint_cut_short(undisturbed: Path, unfinished: Path, tell: Callable[..., None]):
    folder = unfinished / RESULTS / "checkpoints"
    while not list(folder.glob("*.pt")):  # a job may end just before it is killed
        run = start(unfinished)
        wait_until(lambda: list(folder.glob("*.pt")), run)
        kill(run)
    (checkpoint, *_) = folder.glob("*.pt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:400])
    go_on(unfinished)
    logs = [path.read_text() for path in (unfinished / RESULTS / "logs").rglob("*.log")]
    (line,) = [line for text in logs for line in text.splitlines() if "cannot be read" in line]
    assert str(checkpoint.with_suffix(".damaged").relative_to(unfinished)) in line
    tell(
        "cut short: the checkpoint of a job that was killed",
        f"in the job's log `{line}`",
        "the checkpoint, set aside",
        same(unfinished, undisturbed),
    )
