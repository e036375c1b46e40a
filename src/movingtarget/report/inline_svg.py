"""Figures as part of a web page: SVG elements of few bytes."""

import re
from collections.abc import Mapping

PLACES = 2
"""Decimals of coordinates, in points: a hundredth is a tenth of what a printer can place."""

DECIMAL = re.compile(r"-?\d+\.\d+")
COORDINATES = re.compile(r'(?<= )(?:[dxy]|width|height|viewBox|points|transform)="[^"]*"')
NEEDLESS = re.compile(
    r"<!--.*?-->|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>"
    r'| transform="rotate\(-?0 [^"]*"|(?<=>)[ \n]+(?=<)|(?<=")[ \n]+(?=/?>)|xlink:(?=href)',
    re.DOTALL,
)
FONT = "font-family: 'DejaVu Sans', Verdana, sans-serif"
"""What all figures have; the page says it once."""


def inline_svgs(files: Mapping[str, str]) -> dict[str, str]:
    """Elements for a page of several figures.

    Definitions stay with their figure, under identifiers of its own. Comments, metadata, identifiers that
    nothing refers to and the font that all have go, and coordinates have `PLACES` decimals.

    Args:
        files: the text of an SVG file of matplotlib's by the figure's name.
    """
    return {name: _inline(text, f"f{number}-") for number, (name, text) in enumerate(files.items())}


def _inline(text: str, prefix: str) -> str:
    text = NEEDLESS.sub("", text[text.index("<svg") :])
    text = re.sub(r' style="([^"]*)"', _style, text)
    text = COORDINATES.sub(lambda found: DECIMAL.sub(_rounded, found[0]), text)
    used = {*re.findall(r'(?:href="|url\()#([^")]+)', text)}
    text = re.sub(
        r' id="([^"]*)"', lambda found: f' id="{prefix}{found[1]}"' if found[1] in used else "", text
    )
    return re.sub(r'(href="|url\()#', rf"\g<1>#{prefix}", text)


def _style(style: re.Match[str]) -> str:
    kept = [part.replace(": ", ":") for part in style[1].split("; ") if part not in ("", FONT)]
    return f' style="{";".join(kept)}"' if kept else ""


def _rounded(number: re.Match[str]) -> str:
    """A number to `PLACES` decimals, without zeros at its end."""
    return f"{float(number[0]):.{PLACES}f}".rstrip("0").rstrip(".")
