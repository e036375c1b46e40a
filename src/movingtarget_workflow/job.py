"""What every script of the workflow does around its one library call: log, progress, checkpoints, errors."""

import hashlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

import torch

from movingtarget_workflow.sources import LIBRARY, digest

SECONDS_BETWEEN_LINES = 10.0


class Job:
    """A running rule: where it tells its progress and keeps what it needs to be taken up again."""

    def __init__(self, snakemake: Any, log: TextIO, terminal: TextIO) -> None:
        self._log, self._terminal = log, terminal
        self._last_line = time.monotonic()
        wildcards = [str(value) for value in snakemake.wildcards]
        self._name = " ".join([snakemake.rule, *wildcards])
        key = digest(snakemake.input.sources) + _digest_of(dict(snakemake.params.items()))
        folder = Path(snakemake.config["results"]) / "checkpoints"
        self._checkpoint = folder / f"{'-'.join([snakemake.rule, *wildcards])}-{key}.pt"

    def say(self, line: str) -> None:
        """Write a line of progress to the log, and at most every ten seconds to the terminal."""
        print(line, file=self._log, flush=True)
        if time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            print(f"{self._name}: {line}", file=self._terminal, flush=True)

    def kept(self) -> Any:
        """What an interrupted job with the same settings and sources kept last, or None."""
        if not self._checkpoint.exists():
            return None
        self.say(f"going on from {self._checkpoint.name}")
        return torch.load(self._checkpoint, weights_only=False)

    def keep(self, state: Any) -> None:
        """Keep a state, atomically, for the next start should this job be killed."""
        self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._checkpoint)

    def forget(self) -> None:
        """Remove what was kept: the job is done."""
        self._checkpoint.unlink(missing_ok=True)


@contextmanager
def job(snakemake: Any) -> Iterator[Job]:
    """Run a script's body with one thread, its output and errors in the rule's log, one line on failure.

    Raises:
        SystemExit: the body raised an error; its traceback is in the log.
    """
    torch.set_num_threads(snakemake.threads)
    torch.use_deterministic_algorithms(True)
    terminal = sys.stderr
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    with Path(snakemake.log[0]).open("w", encoding="utf-8") as log:
        try:
            with redirect_stdout(log), redirect_stderr(log):
                _check_sources(snakemake.input.sources)
                running = Job(snakemake, log, terminal)
                yield running
                running.forget()
        except KeyboardInterrupt:
            sys.exit("interrupted; the next start goes on")
        except Exception as error:
            traceback.print_exc(file=log)
            print(f"{snakemake.rule}: {error} (more in {snakemake.log[0]})", file=terminal, flush=True)
            sys.exit(1)


def _digest_of(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _check_sources(declared: Iterable[str]) -> None:
    """A module that a script imports and its rule does not list would change without a new run."""
    imported = {module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == LIBRARY}
    if missing := sorted(str(file) for file in imported - set(declared)):
        raise RuntimeError(f"the rule's sources lack {missing[0]}")


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: a job must not outlive a run that was killed."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
