"""What every script of the workflow does around its one library call: log, progress, checkpoints, errors."""

import io
import json
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from movingtarget_workflow import digests
from movingtarget_workflow.interruption import let_interruptions_in
from movingtarget_workflow.sources import DECLARING, LIBRARY, digest, digest_of_text, sources

SECONDS_BETWEEN_CHECKPOINTS = 5.0
FAILED = "failed: "
"""What the last line of a log begins with whose job failed."""
INTERRUPTED = "interrupted"
"""Why a job failed that Ctrl-C has ended."""


class Job:
    """A running rule: where it tells its progress and keeps what it needs to be taken up again.

    What it keeps is of its settings, its sources and the content of `inputs` alone.
    """

    def __init__(self, snakemake: Any, log: TextIO, inputs: Iterable[str] = ()) -> None:
        self._snakemake, self._log, self._last_kept, self._inputs = snakemake, log, -math.inf, inputs

    @cached_property
    def _checkpoint(self) -> Path:
        names = [self._snakemake.rule, *(str(value) for value in self._snakemake.wildcards)]
        chosen = json.dumps(dict(self._snakemake.params.items()), sort_keys=True, default=str)
        key = digest_of_text(f"{chosen} {digest(self._inputs)}")
        return Path(self._snakemake.config["results"]) / "checkpoints" / f"{'-'.join(names)}-{key}.pt"

    def say(self, line: str) -> None:
        """Write a line of progress to the log."""
        print(line, file=self._log, flush=True)

    def kept(self, device: str = "cpu") -> Any:
        """What an interrupted job with the same settings, sources and inputs kept last, or None.

        Only data are read, never code. A checkpoint that cannot be read is set aside.

        Args:
            device: that its tensors are put on, wherever they were.
        """
        import torch

        if not self._checkpoint.exists():
            return None
        try:
            state = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        except Exception as error:
            aside = self._checkpoint.with_suffix(".damaged")
            self._checkpoint.replace(aside)
            self._last_kept = -math.inf
            reason = (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0]
            self.say(f"{aside} cannot be read ({reason}); starting afresh")
            return None
        self.say(f"going on from {self._checkpoint.name}")
        if device == "cpu":
            return state
        # once more: what a device refuses must not look like damage
        return torch.load(self._checkpoint, map_location=device, weights_only=True)

    def keep(self, state: Any) -> None:
        """Keep a state, atomically, for the next start should this job be killed, not too often."""
        import torch

        if time.monotonic() - self._last_kept < SECONDS_BETWEEN_CHECKPOINTS:
            return
        self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial, content = self._checkpoint.with_suffix(".partial"), io.BytesIO()
        torch.save(state, content)  # not to a file: of a full disk torch says no more than "iostream error"
        partial.write_bytes(content.getbuffer())
        partial.replace(self._checkpoint)
        self._last_kept = time.monotonic()

    def forget(self) -> None:
        """Remove what was kept: the job is done."""
        for suffix in (".pt", ".partial"):
            self._checkpoint.with_suffix(suffix).unlink(missing_ok=True)


@contextmanager
def job(snakemake: Any, inputs: Iterable[str] = ()) -> Iterator[Job]:
    """Run a script's body, its output and errors in the rule's log.

    Args:
        snakemake: what it knows of its job.
        inputs: files that what it keeps depends on.

    Raises:
        SystemExit: the body raised an error; its traceback is in the log, and the error in its last line. Or
            the log cannot be written, as on a full disk.
    """
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    try:
        with Path(snakemake.log[0]).open("w", encoding="utf-8") as log, _told(log):
            running = Job(snakemake, log, inputs)
            outputs, results = getattr(snakemake, "output", []), Path(snakemake.config["results"])
            digests.forget(outputs, results)
            yield running
            _check_sources(snakemake.params.get("modules", []))
            digests.keep(outputs, results)
            running.forget()
    except OSError as error:
        sys.exit(f"{snakemake.log[0]} cannot be written: {error}")


@contextmanager
def _told(log: TextIO) -> Iterator[None]:
    """Have output and errors told in a log; SystemExit follows an error."""
    try:
        with redirect_stdout(log), redirect_stderr(log):
            let_interruptions_in()
            yield
    except KeyboardInterrupt:
        print(f"{FAILED}{INTERRUPTED}", file=log)
        sys.exit(1)
    except Exception as error:
        traceback.print_exc(file=log)
        brief = str(error).partition("\n  ")[0]  # details are indented; the traceback has them
        print(f"{FAILED}{' '.join(brief.split()) or type(error).__name__}", file=log)
        sys.exit(1)


def cause(log: Path) -> str:
    """Why the job of a log failed, on one line; empty if the log does not say."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return lines[-1].removeprefix(FAILED) if lines and lines[-1].startswith(FAILED) else ""


def _check_sources(declared: Iterable[str]) -> None:
    """A module that a script imports and its rule does not count would change without a new run."""
    imported = {name for name in sys.modules if name.split(".")[0] == LIBRARY}
    uncounted = DECLARING | {name.rpartition(".")[0] for name in DECLARING}
    if missing := sorted(imported - set(sources(*declared)) - uncounted):
        raise RuntimeError(f"the rule's modules lack {missing[0]}")


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: a job must not outlive a run that was killed."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
