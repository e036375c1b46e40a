"""A run that nothing disturbed, and the table of what became of those that were."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from disturbed import copy_of, undo
from project_copy import ROOT, finished_copy

PAGE = ROOT / "docs/bad_luck.md"
OPENING = """# Bad luck

`make chaos` runs the smoke run under misfortunes and writes this page if all of them end well (2 cores, half
an hour; the disks are small ones in memory, which root alone may mount). *Equal* means byte for byte what an
undisturbed run makes: all tables, figures and verdicts but those of times. Folders are the project's. A smoke
run has some 170 jobs; where fewer are told of, the others had been done before.

Every start compares the files that jobs have written with the digests kept of them, which takes 0.15 s for
the 713 files of a run at the default scale. Of those of 10 MB or more, trained networks and images, it
compares the sizes alone.

In a run's first seconds, while Python loads snakemake itself, Ctrl-C is answered by Python, with a traceback;
nothing has begun by then.

"""


class Row(NamedTuple):
    """What became of a run.

    Attributes:
        misfortune: what was done.
        said: what the user saw.
        left: what was on the disk after.
        equal: whether the finished run equals an undisturbed one.
    """

    misfortune: str
    said: str
    left: str
    equal: str


HEAD = Row("What was done", "What the user saw", "On the disk after", "Equal in the end?")
ROWS: list[Row] = []


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished smoke run; tests must leave it as it is."""
    return finished_copy(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def unfinished(undisturbed: Path, tmp_path: Path) -> Path:
    """A run with a third of its work to do."""
    project = copy_of(undisturbed, tmp_path / "project")
    undo(project)
    return project


@pytest.fixture
def tell(tmp_path: Path) -> Callable[..., None]:
    """Add a row to the table; folders are as they would be for a user in the project's."""

    def add(misfortune: str, said: str, left: str, equal: str) -> None:
        said = re.sub(rf"{re.escape(str(tmp_path))}/[a-z]+/?", "./", said)
        said = re.sub(r"\.snakemake/log/\S+\.log", ".snakemake/log/TIME.snakemake.log", said)
        ROWS.append(Row(misfortune, said, left, equal))

    return add


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A row for what failed or was not tried."""
    if report.nodeid.startswith("tests/chaos/") and (report.failed or report.skipped):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else "see above"
        ROWS.append(Row(report.nodeid.rpartition("::")[2], str(why), "", report.outcome.upper()))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table, if there was a misfortune."""
    if not ROWS:
        return
    terminalreporter.section("what became of the runs")
    terminalreporter.write_line(_table())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the page, of a whole and successful run of `make chaos`."""
    chosen = session.config.option.keyword or session.config.option.markexpr
    if exitstatus == 0 and session.config.args == ["tests/chaos"] and not chosen:
        PAGE.write_text(OPENING + _table() + "\n", encoding="utf-8")


def _table() -> str:
    rows = [HEAD, Row("---", "---", "---", "---"), *ROWS]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
