"""Figures within a page: as matplotlib drew them, in fewer bytes, without taking each other's parts."""

import re
from io import StringIO
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest

from movingtarget.drawing.style import STYLE
from movingtarget.report.inline_svg import inline_svgs


def drawing(label: str) -> str:
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot([0, 1 / 3, 1], [1, 0, 2 / 3], marker="o")
        axes.set_xlabel(label)
        written = StringIO()
        figure.savefig(written, format="svg")
        plt.close(figure)
    return written.getvalue()


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return {"first": drawing("step"), "second": drawing("rate")}


def test_every_reference_finds_its_part_and_no_identifier_stands_twice(files: dict[str, str]):
    letters, figures = inline_svgs(files)
    whole = letters + "".join(figures.values())
    names = re.findall(r' id="([^"]*)"', whole)
    assert len(names) == len(set(names))
    assert {*re.findall(r'(?:href="|url\()#([^")]+)', whole)} <= {*names}
    for text in [letters, *figures.values()]:
        ElementTree.fromstring(text.replace(" href=", " xlink_href="))


def test_letters_are_defined_once_and_drawn_in_each(files: dict[str, str]):
    letters, figures = inline_svgs(files)
    assert letters.count("<path ") > 5
    assert all("<use" in figure for figure in figures.values())
    assert all(not re.search(r'id="[^"]*DejaVu', figure) for figure in figures.values())


def test_coordinates_move_by_less_than_can_be_seen_and_bytes_are_saved(files: dict[str, str]):
    _, figures = inline_svgs(files)

    def numbers(text: str) -> list[float]:
        lines = re.findall(r' d="(M [\d.]+ [\d.]+ L [^"]*)"[^>]*clip-path', re.sub(r"\s+", " ", text))
        return [float(number) for line in lines for number in re.findall(r"[\d.]+", line)]

    before, after = numbers(files["first"]), numbers(figures["first"])
    assert len(before) >= 6
    assert after == pytest.approx(before, abs=0.0051)
    assert len(figures["first"]) < 0.6 * len(files["first"])
