"""The figure of cached and real targets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, named, xy

from movingtarget.figures.local_targets import draw
from movingtarget.statistics.rows import where

BOTH = ["locoprop-s", "locoprop-m"]


def table(methods: list[str] = BOTH, seeds: int = 3) -> pd.DataFrame:
    columns: dict[str, Sequence[Any]] = {
        "method": methods,
        "epoch": [2, 1],
        "seed": range(seeds),
        "quantity": ["left", "moved", "cosine"],
    }
    return crossed({**columns, "layer": [1, 2, 3]})


def test_a_row_for_each_method_and_a_column_for_each_quantity() -> None:
    panels = draw(table()).axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "(a) LocoProp-S: left of the way",
        "(b) LocoProp-S: target moved by the others",
        "(c) LocoProp-M: left of the way",
        "(d) LocoProp-M: target moved by the others",
    ]
    assert [axes.get_xlabel() for axes in panels] == ["", "", "layer", "layer"]


def test_lines_are_means_by_layer_named_by_epoch_at_the_right() -> None:
    frame = table()
    left, moved = draw(frame).axes[:2]
    assert [*named(moved)] == ["epoch 1", "epoch 2"]
    assert not named(left)
    rows = where(frame, method="locoprop-s", quantity="moved", epoch=2)
    line = named(moved)["epoch 2"]
    assert xy(line).x.tolist() == [1, 2, 3]
    np.testing.assert_allclose(xy(line).y, rows.groupby("layer")["value"].mean())
    rows = where(frame, method="locoprop-s", quantity="left", epoch=1)
    lines = [xy(line).y for line in left.lines]
    assert any(np.allclose(line, rows.groupby("layer")["value"].mean()) for line in lines if len(line) == 3)


def test_a_thin_line_stands_at_the_whole_way() -> None:
    for axes in draw(table()).axes:
        (line,) = [line for line in axes.lines if line.get_linewidth() == 0.5 and len(xy(line).x) == 2]
        assert (xy(line).x.tolist(), xy(line).y.tolist()) == ([1, 3], [1, 1])


def test_what_is_undefined_is_named() -> None:
    frame = table(["locoprop-m"])
    frame.loc[(frame["layer"] == 2) & (frame["seed"] == 0) & (frame["epoch"] == 1), "value"] = np.nan
    for axes in draw(frame).axes:
        assert "epoch 1 undefined at layer 2 (1/3 seeds)" in axes.get_title(loc="left")


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_and_one_method(seeds: int) -> None:
    draw(table(["locoprop-m"], seeds)).draw_without_rendering()
