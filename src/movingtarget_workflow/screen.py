"""Lines on a terminal: one that is written over and over, and those that stay."""

import shutil
import time
from typing import TextIO

SECONDS_BETWEEN_LINES = 60.0
"""Where nothing can be written over, as in a file."""
OVER_THE_LAST_LINE = "\x1b[A\r\x1b[J"


class Screen:
    """A stream that people read.

    The cursor waits at the start of a new line, so that whatever ends the run leaves nothing to repair.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._in_place = stream, stream.isatty()
        self._over, self._last = "", float("-inf")

    def update(self, line: str) -> None:
        """Write a line over the last one; where that cannot be, write it if it is time for one again."""
        if self._in_place:
            self._write(line[: shutil.get_terminal_size().columns - 1])
            self._over = OVER_THE_LAST_LINE
        elif time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self._write(line)

    def say(self, line: str) -> None:
        """Write a line that stays."""
        self.clear()
        self._write(line)

    def clear(self) -> None:
        """Take away the line that is written over."""
        self._stream.write(self._over)
        self.keep()

    def keep(self) -> None:
        """Write over nothing that is there."""
        self._over = ""

    def _write(self, line: str) -> None:
        self._stream.write(f"{self._over}{line}\n")
        self._stream.flush()
