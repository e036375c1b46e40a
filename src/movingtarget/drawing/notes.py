"""What pointing at a marker tells in an SVG file: the mean, its interval and the number of seeds."""

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.lines import Line2D

from movingtarget.statistics.bootstrap import Interval

NOTED = re.compile(r'<g id="notes: ([^"]*)">(.*?)</g>', re.DOTALL)
MARKER = re.compile(r"(<use [^>]*[^/>]) */>")


def note_markers(line: Line2D, intervals: Sequence[Interval], seeds: int) -> None:
    """Give every marker of a line its note, which `with_notes` finds; one interval for each marker.

    >>> line = Line2D([0], [0.5])
    >>> note_markers(line, [Interval(0.5, -0.25, 1.25)], seeds=3)
    >>> line.get_gid()
    'notes: 0.5 [−0.25, 1.25], 3 seeds'
    """  # noqa: RUF002
    line.set_gid("notes: " + " | ".join(_note(interval, seeds) for interval in intervals))


def _note(interval: Interval, seeds: int) -> str:
    mean, low, high = (f"{end:.3g}".replace("-", "−") for end in interval)  # noqa: RUF001
    return f"{mean}, 1 seed" if np.isnan(interval.low) else f"{mean} [{low}, {high}], {seeds} seeds"


def with_notes(svg: str) -> str:
    """The SVG file with each note as the title of its marker; where some are not drawn, none of their line.

    >>> with_notes('<g id="notes: 1 | 2"><use x="0"/><use x="1"/></g>')
    '<g><use x="0"><title>1</title></use><use x="1"><title>2</title></use></g>'
    >>> with_notes('<g id="notes: 1 | 2"><use x="0"/></g>')
    '<g><use x="0"/></g>'
    """
    return NOTED.sub(_titled, svg)


def _titled(line: re.Match[str]) -> str:
    notes = iter(line[1].split(" | "))
    if len(MARKER.findall(line[2])) != line[1].count(" | ") + 1:
        return f"<g>{line[2]}</g>"
    titled = MARKER.sub(lambda use: f"{use[1]}><title>{next(notes)}</title></use>", line[2])
    return f"<g>{titled}</g>"
