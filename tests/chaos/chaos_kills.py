"""Twenty ends of one run that is started again each time: by kill -9, and by Ctrl-C."""

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
from disturbed import done, failures, go_on, rest, same, start, torn
from project_copy import wait_until

ENDS = 20
PLANNING = 0.3
"""How often a run is ended while it plans its jobs, and not while some run."""
PLANNED = "Moving Target: interrupted; the next start goes on"
WORKED = re.compile(r"\d+ of \d+ jobs? done in .+\. The next start goes on")
"""What a run says last that Ctrl-C has ended, before and after its first job began."""


def jobs_of(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes of a run's jobs."""
    try:
        children = psutil.Process(run.pid).children(recursive=True)
        return [child for child in children if "/.snakemake/scripts/" in child.cmdline()[-1]]
    except (psutil.NoSuchProcess, IndexError):
        return []


def kill_group(run: subprocess.Popen[str], chance: random.Random) -> None:
    os.killpg(run.pid, signal.SIGKILL)


def kill_snakemake(run: subprocess.Popen[str], chance: random.Random) -> None:
    os.kill(run.pid, signal.SIGKILL)


def kill_job(run: subprocess.Popen[str], chance: random.Random) -> None:
    while True:
        wait_until(partial(jobs_of, run), run)
        try:
            chance.choice(jobs_of(run)).kill()
        except (psutil.NoSuchProcess, IndexError):
            continue
        return


def interrupt(run: subprocess.Popen[str], chance: random.Random) -> None:
    os.killpg(run.pid, signal.SIGINT)


def interrupt_twice(run: subprocess.Popen[str], chance: random.Random) -> None:
    interrupt(run, chance)
    time.sleep(chance.uniform(0, 1))
    with suppress(ProcessLookupError):  # it has ended
        interrupt(run, chance)


def started(project: Path) -> subprocess.Popen[str]:
    """A run that has loaded snakemake, which then opens its log."""
    before = {*project.glob(".snakemake/log/*")}
    run = start(project)
    wait_until(lambda: {*project.glob(".snakemake/log/*")} - before, run)
    return run


def end_again_and_again(
    project: Path, undisturbed: Path, ends: list[Callable[[subprocess.Popen[str], random.Random], None]]
) -> tuple[list[tuple[str, str]], int, str]:
    """Start a run and end it in one of these ways at a random moment, again and again; then let it finish.

    Returns:
        The way and what the run said, of each; how many jobs were done by the last; what was said at the end.
    """
    chance = random.Random(20)
    known: dict[str, float] = {}
    ended = []
    for _ in range(ENDS):
        end = chance.choice(ends)
        run = started(project)
        if chance.random() < PLANNING:
            time.sleep(chance.uniform(1, 5))
        else:
            wait_until(partial(jobs_of, run), run)
            time.sleep(chance.uniform(0, 15))
        assert run.poll() is None, rest(run)
        end(run, chance)
        said = rest(run)
        assert "Traceback" not in said, said
        ended.append((end.__name__, said))
        assert torn(project, undisturbed) == []
        now = done(project, undisturbed)
        assert known.items() <= now.items()
        known = now
    assert known
    last = go_on(project)
    assert known.items() <= done(project, undisturbed).items()
    return ended, len(known), last


def test_twenty_kills(undisturbed: Path, project: Path, tell: Callable[..., None]):
    ended, count, last = end_again_and_again(project, undisturbed, [kill_group, kill_snakemake, kill_job])
    ways = Counter(way for way, _ in ended)
    words = [said for way, said in ended if way == "kill_job"]
    said = {
        line.partition(": ")[2] for word in words for line in failures(word) if "killed by SIGKILL" in line
    }
    assert len(said) > 0
    tell(
        f"kill -9 at {ENDS} random moments of one run that is started again each time: of run and jobs "
        f"{ways['kill_group']} times, of snakemake alone {ways['kill_snakemake']}, of a job alone "
        f"{ways['kill_job']}",
        f"of a killed job `Failed: {min(said)}`; at the end `{last}`",
        f"after each kill nothing torn; none of the {count} jobs done by the last kill ran again",
        same(project, undisturbed),
    )


def test_twenty_interruptions(undisturbed: Path, project: Path, tell: Callable[..., None]):
    ended, count, last = end_again_and_again(project, undisturbed, [interrupt, interrupt_twice])
    lines = [said.splitlines()[-1] for _, said in ended]
    twice = sum(way == "interrupt_twice" for way, _ in ended)
    early = lines.count(PLANNED)
    worked = [line for line in lines if WORKED.fullmatch(line)]
    assert early + len(worked) == ENDS, lines
    assert worked
    assert not [said for _, said in ended if "Failed: " in said]
    tell(
        f"Ctrl-C at {ENDS} random moments of one run that is started again each time, {twice} times another "
        "within a second",
        f"{early} times `{PLANNED}`, before a job began; then such as `{worked[-1]}`; at the end `{last}`",
        f"after each nothing torn; none of the {count} jobs done by the last ran again",
        same(project, undisturbed),
    )
