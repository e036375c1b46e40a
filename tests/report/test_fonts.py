"""The page's font has the letters and the faces that figures show, and no others."""

import base64
import re
from io import BytesIO

from fontTools.ttLib import TTFont

from movingtarget.report.fonts import font_faces

PLAIN = "<svg><text>k &amp; β</text></svg>"
OBLIQUE = '<svg><text><tspan style="font-style:oblique">k</tspan></text></svg>'


def fonts(rules: str) -> list[TTFont]:
    return [TTFont(BytesIO(base64.b64decode(font))) for font in re.findall(r"base64,([^)]*)\)", rules)]


def test_every_letter_of_any_figure_is_there_and_no_other():
    (font,) = fonts(font_faces([PLAIN, PLAIN.replace("β", "0.5")]))
    assert {chr(code) for code in font.getBestCmap()} == {*"k &β0.5"}


def test_faces_are_those_that_figures_ask_for():
    rules = font_faces([PLAIN, OBLIQUE]).splitlines()
    assert [rule.rpartition(";")[2] for rule in rules] == ["}", "font-style:oblique}"]
    assert [font["name"].getBestSubFamilyName() for font in fonts("".join(rules))] == ["Book", "Oblique"]


def test_the_same_figures_give_the_same_bytes():
    assert font_faces([PLAIN, OBLIQUE]) == font_faces([PLAIN, OBLIQUE])
