"""Ctrl-C before jobs run; imported first, for it is slow to import all modules and to plan the jobs."""

import sys
from types import TracebackType


def tell_of_interruption() -> None:
    """Have a Ctrl-C that nothing catches told in a line, in the place of Python's account of where it was."""
    usual = sys.excepthook

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("Moving Target: interrupted; the next start goes on", file=sys.stderr)
        else:
            usual(kind, error, trace)

    sys.excepthook = told
