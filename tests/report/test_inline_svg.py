"""Figures within a page: as matplotlib drew them, in fewer bytes, without taking each other's parts."""

import re
from io import StringIO
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest

from movingtarget.drawing.style import FONTS, STYLE
from movingtarget.report.inline_svg import inline_svgs


def drawing(label: str) -> str:
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot([0, 1 / 3, 1], [1, 0, 2 / 3], marker="o")
        axes.set_title(r"$\rho_k$: of layers")
        axes.set_xlabel(label, rotation=30)
        written = StringIO()
        figure.savefig(written, format="svg")
        plt.close(figure)
    return written.getvalue().replace(*FONTS)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return {"first": drawing("step; one & all"), "second": drawing("rate")}


def test_every_reference_finds_its_part_and_no_identifier_stands_twice(files: dict[str, str]):
    whole = "".join(inline_svgs(files).values())
    names = re.findall(r' id="([^"]*)"', whole)
    assert names
    assert len(names) == len(set(names))
    assert {*re.findall(r'(?:href="|url\()#([^")]+)', whole)} <= {*names}


def test_what_is_drawn_stays_in_its_order(files: dict[str, str]):
    before, after = (ElementTree.fromstring(text) for text in (files["first"], inline_svgs(files)["first"]))
    for tag in ["path", "use", "text", "tspan"]:
        old, new = (
            [(part.text or "").strip() for part in root.iter(f"{{http://www.w3.org/2000/svg}}{tag}")]
            for root in (before, after)
        )
        assert old == new
        assert old


def test_words_keep_their_place_their_size_and_how_they_are_turned(files: dict[str, str]):
    text = inline_svgs(files)["first"]
    (label,) = re.findall(r"<text ([^>]*)>step; one &amp; all</text>", text)
    (style,) = re.findall(r'class="([^"]*)"', label)
    assert re.search(rf"\.{style}{{[^}}]*font-size:8px", text)
    assert "rotate(-30)" in label
    assert "font-family" not in text
    assert "rotate(-0" not in text


def test_coordinates_move_by_less_than_can_be_seen_and_bytes_are_saved(files: dict[str, str]):
    def numbers(text: str) -> list[float]:
        lines = re.findall(r' d="(M *[\d.]+ [\d.]+ *L[^"]*)"[^>]*clip-path', re.sub(r"\s+", " ", text))
        return [float(number) for line in lines for number in re.findall(r"[\d.]+", line)]

    before, after = numbers(files["first"]), numbers(inline_svgs(files)["first"])
    assert len(before) >= 6
    assert after == pytest.approx(before, abs=0.0051)
    assert len(inline_svgs(files)["first"]) < 0.5 * len(files["first"])


def test_every_class_has_the_style_that_matplotlib_gave(files: dict[str, str]):
    def styles(text: str) -> list[set[str]]:
        return [{*re.split(r"; *", found)} for found in re.findall(r' style="([^"]*)"', text)]

    text = inline_svgs(files)["second"]
    rules = dict(re.findall(r"\.([\w-]+)\{([^}]*)\}", text))
    said = [{*rules[name].split(";")} for name in re.findall(r' class="([^"]*)"', text)]
    assert len(rules) == len({frozenset(style) for style in said})
    before = [{part.replace(": ", ":") for part in style} for style in styles(files["second"])]
    fonts = {"font-family:'DejaVu Sans', Verdana, sans-serif", ""}
    assert said == [style - fonts for style in before if style - fonts]


def test_a_path_that_goes_nowhere_is_left_out():
    paths = '<path d="M 1 1 \n" style="fill:none"/><path d="M 1 1 \nL 2.004 2 \n"/>'
    svg = f'<svg viewBox="0 0 9 9">{paths}</svg>'
    assert inline_svgs({"a": svg})["a"].endswith('</style><path d="M1 1L2 2"/></svg>')
