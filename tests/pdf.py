"""How full the pages of a PDF are, and how small its letters, by poppler's tools."""

import html
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

needs_poppler = pytest.mark.skipif(
    not shutil.which("pdftoppm"), reason="needs pdftoppm (apt-get install poppler-utils)"
)

DOTS = 50
"""An inch has."""

GAP = 36
"""Points that may be between two lines, a figure and what follows; more is a hole."""

ZOOM = 3
"""Of pdftohtml, at most: it rounds sizes to a whole number of these parts of a point."""


class Words(NamedTuple):
    """A run of letters of one size, in points, on a page counted from 1."""

    page: int
    size: float
    text: str


def fill(pdf: Path, folder: Path, margin: float = 72) -> list[float]:
    """The share of each page's height, between its margins, that is not a hole.

    Args:
        pdf: the file.
        folder: for pictures of its pages.
        margin: above and below the text, in points.
    """
    subprocess.run(["pdftoppm", "-r", str(DOTS), "-gray", pdf, folder / "page"], check=True)
    return [_fill(page, round(margin * DOTS / 72)) for page in sorted(folder.glob("page-*.pgm"))]


def _fill(picture: Path, margin: int) -> float:
    ink = (np.asarray(Image.open(picture)) < 250).max(axis=1)[margin:-margin]
    edges = np.flatnonzero(np.diff(np.concatenate([[True], ink, [True]]).astype(int)))
    blank = np.diff(edges)[::2]
    return float(1 - blank[blank > GAP * DOTS / 72].sum() / len(ink))


def words(pdf: Path) -> list[Words]:
    """Everything that is written, with its size."""
    command = ["pdftohtml", "-xml", "-i", "-stdout", "-zoom", str(ZOOM), str(pdf)]
    written = subprocess.run(command, check=True, capture_output=True).stdout.decode(errors="replace")
    sizes = dict(re.findall(r'<fontspec id="(\d+)" size="(-?\d+)"', written))
    runs, page = [], 0
    for number, font, text in re.findall(
        r'<page number="(\d+)"|<text [^>]*font="(\d+)">(.*?)</text>', written
    ):
        page = int(number or page)
        if plain := html.unescape(re.sub(r"<[^>]*>", "", text)).strip():
            runs.append(Words(page, int(sizes[font]) / ZOOM, plain))
    return runs


def ends_chapter(pages: list[list[Words]], page: int) -> bool:
    """Whether a page, counted from 0, is the last or the next begins with a chapter."""
    return page + 1 == len(pages) or bool(re.match(r"\d+\s+[A-Z]|Contents$", pages[page + 1][0].text))
