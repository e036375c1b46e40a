"""Ctrl-C ends a run, in few words; imported first, for all that the Snakefile imports takes seconds."""

import logging
import os
import signal
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, NoReturn


def end_when_interrupted() -> None:
    """Until jobs run, have Ctrl-C end this process at once, with a line; nothing is half done by then.

    Snakemake plans in asyncio and in its user's functions, where an exception in the middle may be lost or
    turned into another one. Where Ctrl-C is ignored, as by what a shell runs in the background, it still is.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler and in_main_thread():
        signal.signal(signal.SIGINT, _end)


def interrupt_jobs(scheduler: Any) -> None:
    """From now on have the first Ctrl-C raise KeyboardInterrupt, for snakemake to end its jobs.

    Those hear it, too, and end by themselves. They are started with the signal blocked: it waits for them to
    have loaded what they need, and to have opened their logs (`let_interruptions_in`).
    """
    if signal.getsignal(signal.SIGINT) is _end and in_main_thread():
        signal.signal(signal.SIGINT, _interrupt_once)
    for executor in (scheduler._executor, scheduler._local_executor):
        if hasattr(executor, "pool"):
            executor.pool = ThreadPoolExecutor(executor.workers, initializer=_keep_interruptions_out)


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Raise KeyboardInterrupt; what it tears, such as event loops, does not complain when thrown away."""
    sys.unraisablehook = lambda unraisable: None
    warnings.simplefilter("ignore")
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    raise KeyboardInterrupt


def let_interruptions_in() -> None:
    """Raise KeyboardInterrupt at the first Ctrl-C, and now if that came since the process began."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler and in_main_thread():
        signal.signal(signal.SIGINT, _interrupt_once)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _keep_interruptions_out() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _interrupt_once(number: int, frame: FrameType | None) -> NoReturn:
    """Another one would tear the ending; but a job that was just starting hears it, for it is not ignored."""
    signal.signal(signal.SIGINT, lambda number, frame: None)
    interrupt(number, frame)


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"Moving Target: interrupted; the next start goes on\n")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.raise_signal(signal.SIGINT)


def in_main_thread() -> bool:
    """Whether this thread may say what signals do."""
    return threading.current_thread() is threading.main_thread()
