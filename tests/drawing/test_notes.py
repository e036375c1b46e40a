"""Markers tell their mean, interval and seeds in SVG files."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from movingtarget.drawing.curves import draw_curve
from movingtarget.drawing.rows import draw_mean
from movingtarget.drawing.style import LOOKS, panels, save, styled


@styled
def notes(folder: Path, rows: pd.DataFrame | None = None, values: pd.Series | None = None) -> list[str]:
    """Of a curve or of a mean, as saved."""
    figure, grid = panels(["loss"], columns=1, row_height=4)
    if rows is not None:
        draw_curve(grid[0, 0], rows, "depth", "plain", LOOKS["plain"])
    if values is not None:
        draw_mean(grid[0, 0], values, 0, LOOKS["plain"])
    save(figure, "mark", folder / "a.svg", folder / "a.pdf")
    svg = (folder / "a.svg").read_text(encoding="utf-8")
    assert "notes:" not in svg
    return re.findall(r"<use [^>]*><title>(.*?)</title></use>", svg)


def curve(places: int) -> pd.DataFrame:
    rows = [(seed, place, 10 * place + seed) for seed in range(3) for place in range(places)]
    return pd.DataFrame(rows, columns=["seed", "depth", "value"], dtype=float)


def test_every_marker_of_a_curve_has_the_note_of_its_place(tmp_path: Path):
    found = notes(tmp_path, curve(places=4))
    assert [note.split(" ")[0] for note in found] == ["1", "11", "21", "31"]
    assert re.fullmatch(r"1 \[−\S+, \S+\], 3 seeds", found[0])  # noqa: RUF001


def test_a_curve_of_many_places_has_few_markers_and_as_many_notes(tmp_path: Path):
    assert [note.split(" ")[0] for note in notes(tmp_path, curve(places=17))][:2] == ["1", "21"]


def test_notes_keep_their_markers_where_a_curve_has_gaps(tmp_path: Path):
    rows = curve(places=4)
    rows.loc[rows["depth"] == 1, "value"] = np.nan
    assert [note.split(" ")[0] for note in notes(tmp_path, rows)] == ["1", "21", "31"]


@pytest.mark.parametrize(("values", "note"), [([2.0], "2, 1 seed"), ([2.0, 2.0], "2 [2, 2], 2 seeds")])
def test_a_mean_has_its_note(tmp_path: Path, values: list[float], note: str):
    assert notes(tmp_path, values=pd.Series(values)) == [note]
