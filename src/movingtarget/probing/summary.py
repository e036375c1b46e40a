"""A probe's result for a terminal: at most a screen of lines, none of more than 100 columns."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from movingtarget.probing import wording
from movingtarget.probing.findings import FINDINGS
from movingtarget.probing.quantities import OF_LAYER
from movingtarget.probing.result import Finding, Layer, Result

COLUMNS = 100
MARKS = {"above": " ^", "below": " v", "": "  "}
MOST_LAYERS = 8
MOST_FINDINGS = 3
SHOWN = ("gradient_norm", "update_ratio", "dead_share", "gradient_correlation", "information_kept")
"""Of a layer's quantities, those that a terminal has room for."""


def summary(result: Result, *pages: Path) -> str:
    """The verdict, its evidence, what to try, layers in trouble, and where the pages are."""
    lines = [*_wrapped(wording.verdict(result)), *_reasons(result)]
    for finding in result.findings[1:MOST_FINDINGS]:
        lines += _wrapped(f"Also: {wording.headline(finding, result)} ({finding.sureness}).")
    if more := result.findings[MOST_FINDINGS:]:
        titles = "; ".join(FINDINGS[finding.name].title for finding in more)
        lines += _wrapped(f"And {len(more)} more: {titles}.")
    if result.likeness:
        lines += _wrapped(f"It behaves like {result.likeness}.")
    if table := _table(result):
        lines += ["", *table]
    lines += ["", wording.sentence(wording.spent(result)), *(f"Wrote {path}" for path in pages)]
    return "\n".join(lines)


def _reasons(result: Result) -> list[str]:
    if not result.findings:
        lines = [wording.looked_for(result), wording.what_helped(result)]
        return [part for line in lines for part in _wrapped(line, "  ")]
    finding: Finding = result.findings[0]
    said = {
        "How sure": wording.sentence(finding.sureness),
        "Evidence": wording.sentence(finding.evidence),
        "What to try": wording.sentence(finding.advice),
    }
    return [part for head, text in said.items() for part in _wrapped(f"  {head:<12} {text}", " " * 15)]


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    """Lines of at most so many columns, those after the first indented; a name that is longer is cut."""
    lines = textwrap.wrap(text, COLUMNS, subsequent_indent=indent, break_on_hyphens=False)
    return lines or [""]


def _table(result: Result) -> list[str]:
    """The layers in trouble, top first as on the page; the lowest, if they are many."""
    trouble = wording.in_trouble(result)
    layers = [layer for layer in reversed(result.layers) if layer.name in trouble]
    if not layers:
        return []
    columns = [name for name in SHOWN if any(name in layer.measured for layer in layers)]
    heads = zip(("layer in", "trouble"), *(_head(name) for name in columns), strict=True)
    rows = [_row(layer, columns) for layer in layers[-MOST_LAYERS:]]
    left_out = len(layers) - len(rows)
    above = [f"  and {left_out} above these"] if left_out else []
    first, second, *lines = _aligned([*heads, *rows])
    return [first, second, *above, *lines, "^ above, v below what is usual"]


def _head(name: str) -> tuple[str, str]:
    """A column's head in two lines; numbers stand two letters before its end."""
    quantity = OF_LAYER[name]
    first, _, second = quantity.title.rpartition(" ")
    return f"{first}  ", f"{second}{', %' if quantity.unit == '%' else ''}  "


def _row(layer: Layer, columns: Sequence[str]) -> list[str]:
    name = wording.shortened(layer.name, COLUMNS - 72)
    return [name, *(_cell(layer, column) for column in columns)]


def _cell(layer: Layer, name: str) -> str:
    if name not in layer.measured:
        return f"{wording.DASH}  "
    mark = MARKS[wording.beyond(layer.measured[name], layer.usual.get(name))]
    return f"{wording.as_unit(layer.measured[name].estimate, OF_LAYER[name])}{mark}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
