"""What a long measurement says of its progress."""

from typing import TextIO


class Progress:
    """Lines said while it works: on a terminal each in the place of the last, elsewhere one below it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.open = False

    def __call__(self, line: str) -> None:
        """Say a line that the next one may replace."""
        if not self.stream.isatty():
            self.keep(line)
            return
        self.stream.write(f"\r\x1b[2K{line[:79]}")
        self.stream.flush()
        self.open = True

    def keep(self, line: str) -> None:
        """Say a line that stays."""
        self.end()
        print(line, file=self.stream, flush=True)

    def end(self) -> None:
        """Take back the line that may be replaced."""
        if self.open:
            self.stream.write("\r\x1b[2K")
            self.stream.flush()
            self.open = False
