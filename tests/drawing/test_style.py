"""Size, looks and files of figures."""

import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from movingtarget.drawing.style import (
    LOOKS,
    arm_look,
    arm_name,
    blank,
    extremes,
    is_drawn,
    lay_out,
    line_family,
    line_name,
    panels,
    save,
    shades,
    styled,
)

MARK = "0123456789abcdef"


@styled
def picture() -> Figure:
    figure, grid = panels(["slope"], columns=1, row_height=4)
    grid[0, 0].plot([0, 1, 2], [2, 0, 1], **LOOKS["residual"])
    grid[0, 0].fill_between([0, 1, 2], [1, 0, 0], [2, 1, 1], alpha=0.2)
    return figure


def test_the_same_figure_has_the_same_bytes(tmp_path):
    first, again = [tmp_path / "a.svg", tmp_path / "a.pdf"], [tmp_path / "b.svg", tmp_path / "b.pdf"]
    save(picture(), MARK, *first)
    save(picture(), MARK, *again)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_time_and_the_users_settings_leave_no_trace(tmp_path, monkeypatch):
    """A second process, years later by SOURCE_DATE_EPOCH, with another style."""
    save(picture(), MARK, tmp_path / "a.svg", tmp_path / "a.pdf")
    code = """
import sys
import matplotlib
matplotlib.rcParams.update({"font.size": 20, "svg.fonttype": "none", "axes.titlelocation": "right"})
from test_style import MARK, picture, save
save(picture(), MARK, *sys.argv[1:])
"""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    subprocess.run([sys.executable, "-c", code, tmp_path / "b.svg", tmp_path / "b.pdf"], check=True)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_a_figure_is_laid_out_once(tmp_path):
    figure = picture()
    lay_out(figure)
    (axes,) = figure.axes
    place = axes.get_position().bounds
    save(figure, MARK, tmp_path / "a.svg", tmp_path / "a.pdf")
    assert axes.get_position().bounds == pytest.approx(place, abs=0.01)
    place = axes.get_position().bounds
    axes.set_ylabel("a label\nthat would\nwant room")
    save(figure, MARK, tmp_path / "a.svg", tmp_path / "a.pdf")
    assert axes.get_position().bounds == place


def test_words_can_be_searched_and_are_set_in_a_likely_font_where_ours_is_not(tmp_path):
    save(picture(), MARK, tmp_path / "a.svg", tmp_path / "a.pdf")
    written = (tmp_path / "a.svg").read_text()
    assert re.search(r"font-family: 'DejaVu Sans', Verdana, sans-serif[^>]*>slope</text>", written)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_a_figure_that_cannot_be_drawn_leaves_the_old_files(tmp_path):
    broken = picture()
    broken.axes[0].set_title("$\\unknown$")
    (tmp_path / "a.svg").write_text("old")
    with pytest.raises(ValueError, match="unknown"):
        save(broken, MARK, tmp_path / "a.svg", tmp_path / "a.pdf")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.svg": "old"}


def test_a_file_that_cannot_be_written_leaves_no_part(tmp_path):
    (tmp_path / "a.pdf").mkdir()
    (tmp_path / "a.pdf" / "in the way").touch()
    with pytest.raises(OSError, match=r"a\.pdf"):
        save(picture(), MARK, tmp_path / "a.svg", tmp_path / "a.pdf")
    assert not list(tmp_path.glob("*.part"))


def test_a_file_is_known_by_the_mark_it_was_saved_under(tmp_path):
    svg, pdf = tmp_path / "a.svg", tmp_path / "a.pdf"
    save(picture(), MARK, svg, pdf)
    assert is_drawn(MARK, svg)
    assert is_drawn(MARK, pdf)
    assert is_drawn(MARK, svg, pdf)
    other = MARK[::-1]
    assert not is_drawn(other, svg)
    assert not is_drawn(other, pdf)
    assert not is_drawn(other, svg, pdf)
    save(picture(), other, svg, pdf)
    assert is_drawn(other, svg, pdf)
    assert not is_drawn(MARK, svg)
    assert not is_drawn(MARK, pdf)


@pytest.mark.parametrize("lacking", ["a.svg", "a.pdf"])
def test_nothing_is_drawn_unless_all_files_are_there_under_the_mark(tmp_path, lacking):
    paths = [tmp_path / "a.svg", tmp_path / "a.pdf"]
    assert not is_drawn(MARK, *paths)
    save(picture(), MARK, *paths)
    stale = [tmp_path / "b.svg", tmp_path / "b.pdf"]
    save(picture(), MARK[::-1], *stale)
    (stale[0] if lacking == "a.svg" else stale[1]).replace(tmp_path / lacking)
    assert not is_drawn(MARK, *paths)
    (tmp_path / lacking).unlink()
    assert not is_drawn(MARK, *paths)


def test_the_mark_is_nowhere_in_the_picture(tmp_path):
    marks = [MARK, MARK[::-1]]
    for name, mark in zip("ab", marks, strict=True):
        save(picture(), mark, tmp_path / f"{name}.svg", tmp_path / f"{name}.pdf")
    for ending in ("svg", "pdf"):
        first, other = ((tmp_path / f"{name}.{ending}").read_bytes() for name in "ab")
        assert [first.count(mark.encode()) for mark in marks] == [1, 0]
        assert first.replace(*(mark.encode() for mark in marks)) == other


def test_a_blank_figure_says_why(tmp_path):
    figure = blank("nothing to draw")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["nothing to draw"]
    assert not axes.axison
    save(figure, MARK, tmp_path / "a.svg", tmp_path / "a.pdf")
    assert is_drawn(MARK, tmp_path / "a.svg", tmp_path / "a.pdf")


def test_drawing_leaves_the_users_settings_alone():
    before = dict(matplotlib.rcParams)
    picture()
    assert dict(matplotlib.rcParams) == before


def test_a_figure_is_as_wide_as_the_text_and_lettered():
    figure, grid = panels(["one", "two", "three"], columns=2, row_height=4)
    assert figure.get_size_inches() * 2.54 == pytest.approx([16, 8])
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "(a) one",
        "(b) two",
        "(c) three",
    ]
    assert grid.shape == (2, 2)


def test_a_single_panel_has_no_letter():
    assert picture().axes[0].get_title(loc="left") == "slope"


def test_families_differ_in_colour_marker_and_line():
    for key in ("color", "marker", "linestyle"):
        assert len({look[key] for look in LOOKS.values()}) == len(LOOKS)


@pytest.mark.parametrize(
    ("arm", "name", "family"),
    [
        (("plain", "sgd"), "plain", "plain"),
        (("batch-norm", "sgd"), "batch norm", "batch-norm"),
        (("crelu", "sgd"), "CReLU", "crelu"),
        (("looks-linear", "sgd"), "CReLU, looks linear", "looks-linear"),
        (("linear", "sgd"), "linear", "linear"),
        (("plain", "locoprop"), "LocoProp", "locoprop"),
        (("residual", "locoprop"), "residual, LocoProp", "locoprop"),
    ],
)
def test_arms(arm, name, family):
    assert arm_name(*arm) == name
    assert arm_look(*arm) == LOOKS[family]


def test_networks_on_the_line():
    assert line_name("feedforward", "none", float("nan")) == "feedforward, no normalisation"
    assert line_name("residual", "batch-norm", 0.1) == "residual, batch norm, β = 0.1"
    assert line_family("feedforward", "none") == "plain"
    assert line_family("feedforward", "centred") == line_family("feedforward", "batch-norm") == "batch-norm"
    assert line_family("residual", "batch-norm") == "residual"


def test_extremes_of_one_depth_and_of_many():
    assert extremes(pd.Series([3, 3])) == [3]
    assert extremes(pd.Series([30, 3, 10])) == [3, 30]


def test_shades_darken_and_one_alone_is_the_colour():
    brightness = [sum(shade[:3]) for shade in shades("#0072B2", 5)]
    assert brightness == sorted(brightness, reverse=True)
    assert shades("#0072B2", 1)[0][:3] == pytest.approx(to_rgb("#0072B2"), abs=0.01)


def test_columns_may_differ_in_width():
    figure, grid = panels(["wide", "narrow"], columns=2, row_height=4, widths=[3, 1])
    figure.draw_without_rendering()
    wide, narrow = (axes.get_position().width for axes in grid[0])
    assert wide / narrow == pytest.approx(3, rel=0.01)
