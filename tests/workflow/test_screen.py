"""Lines on a terminal and in a file."""

import io
import time

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


def test_a_file_has_a_line_now_and_then_and_it_is_the_newest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(screen, "SECONDS_BETWEEN_LINES", 0.3)
    stream = io.StringIO()
    lines = Screen(stream)
    for line in ("first", "too soon", "second"):
        lines.update(line)
    assert stream.getvalue() == "first\n"
    until = time.monotonic() + 30
    while "second" not in stream.getvalue() and time.monotonic() < until:
        time.sleep(0.01)
    assert stream.getvalue() == "first\nsecond\n"


def test_a_line_that_waits_is_not_written_after_one_that_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(screen, "SECONDS_BETWEEN_LINES", 0.2)
    stream = io.StringIO()
    lines = Screen(stream)
    for line in ("first", "too late"):
        lines.update(line)
    lines.say("stays")
    time.sleep(0.4)
    assert stream.getvalue() == "first\nstays\n"
