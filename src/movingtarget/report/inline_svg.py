"""Figures as part of a web page: SVG elements of few bytes that share their letters."""

import re
from collections.abc import Mapping

PLACES = 2
"""Decimals of coordinates, in points: a hundredth is a tenth of what a printer can place."""

LETTER = re.compile(r'<path id="([A-Za-z]+(?:-[A-Za-z]+)*-[0-9a-f]+)" ([^>]*)/>')
REFERENCE = re.compile(r'(href="|url\()#([^")]+)')
DECIMAL = re.compile(r"-?\d+\.\d+")
COORDINATES = re.compile(r'(?<= )(?:[dxy]|width|height|viewBox|points)="[^"]*"|translate\([^)]*\)')


def inline_svgs(files: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Elements for a page of several figures.

    Letters, which matplotlib draws as paths and defines in every file, are defined once; all other
    definitions stay with their figure, under identifiers of its own. Comments, metadata and identifiers that
    nothing refers to go, and coordinates have `PLACES` decimals.

    Args:
        files: the text of an SVG file of matplotlib's by the figure's name.

    Returns:
        An element that shows nothing and defines the letters, to stand before the others; and the element of
        each figure.
    """
    letters: dict[str, str] = {}
    figures = {
        name: _inline(text, f"f{number}-", letters) for number, (name, text) in enumerate(files.items())
    }
    paths = "".join(f'<path id="{name}" {drawn}/>' for name, drawn in letters.items())
    return f'<svg class="letters" aria-hidden="true"><defs>{paths}</defs></svg>', figures


def _inline(text: str, prefix: str, letters: dict[str, str]) -> str:
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text).replace("> <", "><").replace(' "', '"').replace(" />", "/>")
    text = text.replace("xlink:href", "href")

    def define(letter: re.Match[str]) -> str:
        letters.setdefault(letter[1], letter[2])
        return ""

    text = LETTER.sub(define, text).replace("<defs></defs>", "")
    text = COORDINATES.sub(lambda found: DECIMAL.sub(_rounded, found[0]), text)
    own = {name for _, name in REFERENCE.findall(text)} - set(letters)
    text = re.sub(
        r' id="([^"]*)"', lambda found: f' id="{prefix}{found[1]}"' if found[1] in own else "", text
    )
    return REFERENCE.sub(lambda found: f"{found[1]}#{prefix if found[2] in own else ''}{found[2]}", text)


def _rounded(number: re.Match[str]) -> str:
    """A number to `PLACES` decimals, without zeros at its end."""
    return f"{float(number[0]):.{PLACES}f}".rstrip("0").rstrip(".")
