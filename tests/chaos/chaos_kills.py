"""Twenty kills of one run that is started again each time."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
from disturbed import done, failures, go_on, rest, same, start, torn
from project_copy import wait_until

KILLS = 20


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
        wait_until(lambda: jobs_of(run), run)
        try:
            chance.choice(jobs_of(run)).kill()
        except (psutil.NoSuchProcess, IndexError):
            continue
        return


def test_twenty_kills(undisturbed: Path, project: Path, tell: Callable[..., None]):
    chance = random.Random(20)
    known: dict[str, float] = {}
    kinds, said = Counter[str](), set[str]()
    for _ in range(KILLS):
        kill = chance.choice([kill_group, kill_snakemake, kill_job])
        run = start(project)
        time.sleep(chance.uniform(2, 14))
        assert run.poll() is None, rest(run)
        kill(run, chance)
        words = rest(run)
        assert "Traceback" not in words, words
        if kill is kill_job:
            said |= {line.partition(": ")[2] for line in failures(words) if "killed by SIGKILL" in line}
        kinds[kill.__name__.partition("_")[2]] += 1
        assert torn(project, undisturbed) == []
        now = done(project, undisturbed)
        assert known.items() <= now.items()
        known = now
    last = go_on(project)
    assert known.items() <= done(project, undisturbed).items()
    assert len(said) > 0
    tell(
        f"kill -9 at {KILLS} random moments of one run that is started again each time: of run and jobs "
        f"{kinds['group']} times, of snakemake alone {kinds['snakemake']}, of a job alone {kinds['job']}",
        f"of a killed job `Failed: {min(said)}`; at the end `{last}`",
        f"after each kill nothing torn; none of the {len(known)} jobs done by the last kill ran again",
        same(project, undisturbed),
    )
