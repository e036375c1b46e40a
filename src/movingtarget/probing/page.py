"""A probe's result as two pages of A4 in one HTML file that loads nothing."""

from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import NamedTuple

import jinja2

from movingtarget.probing import wording
from movingtarget.probing.drawings import PANELS, as_svg, draw_layers, draw_trials
from movingtarget.probing.findings import FINDINGS
from movingtarget.probing.quantities import OF_LAYER, OF_WHOLE
from movingtarget.probing.result import Layer, Result
from movingtarget.probing.whole_file import write_whole

LINES, LETTERS = 43, 88
"""For findings and trials on the first page, and of a line, in the widest of the fonts."""

LONGEST = 440
"""Of evidence or advice, in letters; the JSON has it whole."""

MOST_ROWS = 20
"""Layers of which a table fits under the figure."""

ROOM_BESIDE_TABLE, ROOM_ALONE = 9.6, 18.0
"""For the rows of the figure of layers, in centimetres."""

ROOM_FOR_NOTES = 560
"""On the second page, in letters."""


class Measured(NamedTuple):
    """A row of the table of the whole network, in words."""

    title: str
    value: str
    usual: str
    beyond: str
    meaning: str


class Row(NamedTuple):
    """A row of the table of layers, in words; a cell says on which side of the usual it lies."""

    name: str
    short: str
    kind: str
    parameters: str
    in_trouble: bool
    cells: list[tuple[str, str]]


def write_page(result: Result, path: Path) -> Path:
    """Write the two pages, whole or not at all; the path."""
    return write_whole(page(result), path)


def page(result: Result) -> str:
    """The two pages of a result."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("movingtarget.probing", "."),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"typeset": wording.typeset, "sentence": wording.sentence}
    made.globals |= {"words": wording, "kinds": FINDINGS, "titles": OF_LAYER}
    return made.get_template("page.html").render(
        result=result,
        whole=_whole(result),
        outside=_outside(result),
        usual_known=_usual_known(result),
        columns=_columns(result),
        rows=_rows(result),
        in_full=_in_full(result),
        longest=LONGEST,
        notes=_notes(result),
        trials=as_svg(draw_trials(result), "trials") if len(result.trials) > 1 else "",
        layers=_layers(result),
    )


def _in_full(result: Result) -> int:
    """How many findings the first page has room for with their evidence; others are named."""
    left = LINES - len(result.trials) - len(result.whole) - 2 * len(result.findings)
    for place, finding in enumerate(result.findings):
        texts = (wording.headline(finding, result), finding.evidence + finding.sureness, finding.advice)
        left -= 1 + sum(ceil(min(len(text), LONGEST) / LETTERS) for text in texts)
        if left < 0:
            return max(place, 1)
    return len(result.findings)


def _layers(result: Result) -> str:
    with_table = len(result.layers) <= MOST_ROWS
    figure = draw_layers(result, tallest=ROOM_BESIDE_TABLE if with_table else ROOM_ALONE)
    return as_svg(figure, "layers") if figure else ""


def _whole(result: Result) -> list[Measured]:
    return [
        Measured(
            quantity.title,
            wording.interval(result.whole[name], quantity.unit),
            wording.band(result.usual.get(name), quantity.unit),
            wording.beyond(result.whole[name], result.usual.get(name)),
            quantity.meaning,
        )
        for name, quantity in OF_WHOLE.items()
        if name in result.whole
    ]


def _outside(result: Result) -> str:
    """A sentence on what is not as usual, by layer; what is so in most layers first."""
    counts = {name: wording.outside(wording.holders(result, name), name) for name in PANELS}
    worst = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])
    if not _usual_known(result):
        return "What is usual is not known for this network."
    if not worst:
        return "In no layer is anything outside of what is usual."
    told = [f"{OF_LAYER[name].title} ({_share(result, name, counts[name])})" for name in worst[:3]]
    return f"Most often outside of what is usual: {wording.listed(told)}."


def _usual_known(result: Result) -> bool:
    return any(layer.usual for layer in result.layers)


def _share(result: Result, name: str, count: int) -> str:
    return f"{count} of {len(wording.holders(result, name))}"


def _notes(result: Result) -> list[str]:
    """The notes that there is room for."""
    ends = accumulate(len(note) for note in result.notes)
    return [note for note, end in zip(result.notes, ends, strict=True) if end <= ROOM_FOR_NOTES]


def _columns(result: Result) -> list[str]:
    """The quantities of the table of layers."""
    return [name for name in OF_LAYER if wording.holders(result, name)]


def _rows(result: Result) -> list[Row]:
    """A row for each layer, top first as in the figure; none if they are too many for the page."""
    if len(result.layers) > MOST_ROWS:
        return []
    trouble, blocks = wording.in_trouble(result), {block.name: block for block in result.blocks}
    short = wording.short_names([layer.name for layer in result.layers], 24)
    return [
        Row(
            layer.name,
            name,
            layer.kind,
            f"{layer.parameters:,}",
            layer.name in trouble,
            [_cell(layer, blocks.get(layer.name, layer), name) for name in _columns(result)],
        )
        for layer, name in zip(reversed(result.layers), reversed(short), strict=True)
    ]


def _cell(layer: Layer, block: Layer, name: str) -> tuple[str, str]:
    owner = layer if name in layer.measured else block
    measured = owner.measured.get(name)
    if measured is None:
        return wording.DASH, ""
    return wording.as_unit(measured.estimate, OF_LAYER[name]), wording.beyond(measured, owner.usual.get(name))
