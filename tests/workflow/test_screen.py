"""Lines on a terminal and in a file."""

import io

import pytest

from movingtarget_workflow import screen
from movingtarget_workflow.screen import OVER_THE_LAST_LINE, Screen


class TerminalStream(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It does not ask."""
        return True


def test_a_terminal_has_one_line_written_over_and_a_cursor_on_a_new_line():
    stream = TerminalStream()
    lines = Screen(stream)
    lines.update("one")
    lines.update("two")
    lines.say("stays")
    lines.update("three")
    assert stream.getvalue() == f"one\n{OVER_THE_LAST_LINE}two\n{OVER_THE_LAST_LINE}stays\nthree\n"


def test_what_others_wrote_is_kept():
    stream = TerminalStream()
    lines = Screen(stream)
    lines.update("one")
    stream.write("Traceback\n")
    lines.keep()
    lines.update("two")
    assert stream.getvalue() == "one\nTraceback\ntwo\n"


def test_a_long_line_is_cut_for_a_second_one_could_not_be_written_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "10")
    stream = TerminalStream()
    Screen(stream).update("0123456789abc")
    assert stream.getvalue() == "012345678\n"


def test_a_file_has_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch):
    clock = iter([0.0, 0.0, 1.0, 61.0, 61.0])
    monkeypatch.setattr(screen.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    lines = Screen(stream)
    for line in ("first", "too soon", "second"):
        lines.update(line)
    lines.say("stays")
    assert stream.getvalue() == "first\nsecond\nstays\n"
