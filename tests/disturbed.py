"""A smoke run that is disturbed: started, watched, and compared with one that was not."""

import csv
import json
import os
import shutil
import signal
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from project_copy import SMOKE, TIMED, command, environment, snakemake, tables, wait_until

from movingtarget.declarations import figures
from movingtarget_workflow.digests import altered
from movingtarget_workflow.run import claims_of

RESULTS = Path("results/smoke")
UNDONE = [
    *("parts/moving_target", "parts/stable_rates", "parts/training", "parts/training_search"),
    *("parts/update_orders", "linear_chain.csv", "looks_linear.csv", "update_orders.csv"),
]
"""Tables without which a run has a third of its work to do."""


def copy_of(run: Path, folder: Path) -> Path:
    """A copy of a run with its times."""
    return Path(shutil.copytree(run, folder, dirs_exist_ok=True))


def undo(project: Path) -> None:
    """Delete what a third of a run makes."""
    for name in UNDONE:
        place = project / RESULTS / "tables" / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()


def start(project: Path, *before: str, **changes: str) -> subprocess.Popen[str]:
    """A smoke run in a process group of its own; `before` are words before the command."""
    return subprocess.Popen(
        [*before, *command(*SMOKE)],
        cwd=project,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def rest(run: subprocess.Popen[str]) -> str:
    """Wait until a run and its jobs, which hold the pipe, have ended; what they said."""
    return run.communicate(timeout=1800)[0]


def wait_for_jobs(project: Path, undisturbed: Path, run: subprocess.Popen[str], count: int) -> None:
    """Wait until a run has done so many jobs more."""
    before = done(project, undisturbed)
    wait_until(lambda: len(done(project, undisturbed).items() - before.items()) >= count, run)


def go_on(project: Path) -> str:
    """Start again and finish; what the run said last."""
    run = snakemake(project, *SMOKE)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stderr.splitlines()[-1]


def failures(said: str) -> list[str]:
    """The lines in which a run says what failed; nothing else may look like trouble."""
    assert "Traceback" not in said, said
    lines = [line for line in said.splitlines() if line.startswith(("Failed: ", "Moving Target: "))]
    assert lines, said
    return lines


def records(project: Path) -> dict[str, Any]:
    """What snakemake keeps of each output that is there and that it holds for complete."""
    folder, found = project / ".snakemake", {}
    for path in (folder / "metadata").glob("*"):
        output = urlsafe_b64decode(path.name).decode()
        if (project / output).is_file() and not (folder / "incomplete" / path.name).exists():
            with suppress(json.JSONDecodeError):  # being written; snakemake, too, passes over it
                found[output] = json.loads(path.read_text(encoding="utf-8"))
    return found


def done(project: Path, undisturbed: Path) -> dict[str, float]:
    """The jobs all of whose outputs snakemake holds for complete, by their logs, and when they began."""
    there, jobs = records(project), dict[str, list[str]]()
    for output, record in records(undisturbed).items():
        jobs.setdefault(record["log"][0], []).append(output)
    return {
        log: there[outputs[0]]["starttime"] for log, outputs in jobs.items() if there.keys() >= {*outputs}
    }


def torn(project: Path, undisturbed: Path) -> list[str]:
    """Tables and figures that snakemake holds for complete, and that are not those of an undisturbed run."""
    complete = records(project)
    there, expected = contents(project), contents(undisturbed)
    wrong = [name for name in complete if name in there and there[name] != expected[name]]
    own = {line.partition(" (")[0] for line in altered(project / RESULTS)}
    return [*wrong, *(name for name in complete if str(project / name) in own)]


def contents(project: Path) -> dict[str, Any]:
    """What holds no times: tables and figures by path, and verdicts."""
    found: dict[str, Any] = {f"{RESULTS}/tables/{name}": text for name, text in tables(project).items()}
    for path in (project / RESULTS / "figures").glob("*.*"):
        figure = figures().get(path.stem)
        if figure and not {*figure.tables} & {*TIMED}:
            found[str(path.relative_to(project))] = path.read_bytes()
    return found


def verdicts(project: Path) -> dict[str, Mapping[str, str]]:
    """The rows of verdicts on claims that are not about times."""
    untimed = {
        claim["id"] for claim in claims_of(project / "config/claims.yaml") if claim["table"] not in TIMED
    }
    with (project / RESULTS / "tables/claims.csv").open(encoding="utf-8", newline="") as lines:
        return {row["claim"]: row for row in csv.DictReader(lines) if row["claim"] in untimed}


def same(project: Path, undisturbed: Path) -> str:
    """Assert that a finished run has made what an undisturbed one makes; how much that is."""
    there, expected = contents(project), contents(undisturbed)
    assert there.keys() == expected.keys()
    different = [name for name in there if there[name] != expected[name]]
    assert not different, different
    assert verdicts(project) == verdicts(undisturbed)
    count = sum("/tables/" in name for name in there)
    return f"yes: {count} tables, {len(there) - count} files of figures, {len(verdicts(project))} verdicts"


def kill(run: subprocess.Popen[str]) -> None:
    """Kill a run and its jobs."""
    os.killpg(run.pid, signal.SIGKILL)
    rest(run)
