"""Figures as part of a web page: SVG elements of few bytes."""

import re
from collections.abc import Mapping

PLACES = 2
"""Decimals of coordinates, in points: a hundredth is a tenth of what a printer can place."""

DECIMAL = re.compile(r"-?\d+\.\d+")
COORDINATES = re.compile(r'(?<= )(?:[dxy]|width|height|viewBox|points|transform)="[^"]*"')
PATH = re.compile(r'(?<= d=")[^"]*')
COMMAND = re.compile(r"\s*([MLCQz])\s*")
NEEDLESS = re.compile(
    r"<!--.*?-->|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>"
    r'| transform="rotate\(-?0 [^"]*"|(?<=>)[ \n]+(?=<)|(?<=")[ \n]+(?=/?>)|xlink:(?=href)',
    re.DOTALL,
)
FONT = "font-family: 'DejaVu Sans', Verdana, sans-serif"
"""What all figures have; the page says it once."""


def inline_svgs(files: Mapping[str, str]) -> dict[str, str]:
    """Elements for a page of several figures.

    Definitions and styles stay with their figure, under short names of its own. Comments, metadata,
    identifiers that nothing refers to and the font that all have go, and coordinates have `PLACES` decimals.

    Args:
        files: the text of an SVG file of matplotlib's by the figure's name.
    """
    return {name: _inline(text, f"f{number}-") for number, (name, text) in enumerate(files.items())}


def _inline(text: str, prefix: str) -> str:
    text = NEEDLESS.sub("", text[text.index("<svg") :])
    text = COORDINATES.sub(lambda found: DECIMAL.sub(_rounded, found[0]), text)
    text = PATH.sub(lambda found: COMMAND.sub(r"\1", found[0].strip()), text)
    text = re.sub(r'<path d="M[^A-Za-z"]*"[^>]*/>', "", text)  # it draws nothing
    return _with_classes(_with_short_names(text, prefix), prefix)


def _with_short_names(text: str, prefix: str) -> str:
    """The figure with a number for each identifier that something refers to, and no other."""
    used = dict.fromkeys(re.findall(r'(?:href="|url\()#([^")]+)', text))
    short = {name: f"{prefix}{number}" for number, name in enumerate(used)}
    text = re.sub(
        r' id="([^"]*)"', lambda found: f' id="{short[found[1]]}"' if found[1] in short else "", text
    )
    return re.sub(r'(href="|url\()#([^")]+)', lambda found: f"{found[1]}#{short[found[2]]}", text)


def _with_classes(text: str, prefix: str) -> str:
    """The figure with a class for each style, which it says once."""
    classes: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        kept = [part.replace(": ", ":") for part in found[1].split("; ") if part not in ("", FONT)]
        return f' class="{classes.setdefault(";".join(kept), f"{prefix}s{len(classes)}")}"' if kept else ""

    text = re.sub(r' style="([^"]*)"', named, text)
    rules = "".join(f".{name}{{{style}}}" for style, name in classes.items())
    return text.replace(">", f"><style>{rules}</style>", 1)


def _rounded(number: re.Match[str]) -> str:
    """A number to `PLACES` decimals, without zeros at its end."""
    return f"{float(number[0]):.{PLACES}f}".rstrip("0").rstrip(".")
