"""The font of the figures, as a style sheet that holds it, with those letters alone that are shown."""

import base64
import html
import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import matplotlib
from fontTools.subset import Options, Subsetter, load_font, save_font

FOLDER = Path(matplotlib.get_data_path()) / "fonts/ttf"
"""Where matplotlib has its fonts, from which it drew the figures."""

FACES = {
    "DejaVuSans": "",
    "DejaVuSans-Oblique": "font-style:oblique",
    "DejaVuSans-Bold": "font-weight:bold",
}
"""How figures ask for each face, by its file."""


def font_faces(figures: Iterable[str]) -> str:
    """Rules of CSS that hold every face that SVG elements ask for, each with all the letters shown.

    >>> rules = font_faces(["<svg><text>step</text></svg>"])
    >>> rules[:60]
    '@font-face{font-family:"DejaVu Sans";src:url(data:font/woff;'
    """
    drawn = "".join(figures)
    letters = html.unescape(re.sub(r"<[^>]*>", "", drawn))
    packed = {asked: _packed(file, letters) for file, asked in FACES.items() if asked in drawn}
    return "\n".join(
        f'@font-face{{font-family:"DejaVu Sans";src:url(data:font/woff;base64,{font});{asked}}}'
        for asked, font in packed.items()
    )


def _packed(file: str, letters: str) -> str:
    """A font with the letters given, as WOFF in base64; the same bytes every time."""
    options = Options(flavor="woff", hinting=False, layout_features=[], drop_tables=["FFTM", "GPOS", "GSUB"])
    font = load_font(str(FOLDER / f"{file}.ttf"), options)
    subsetter = Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(font)
    written = BytesIO()
    save_font(font, written, options)
    return base64.b64encode(written.getvalue()).decode()
