"""The figure of faults and of who finds them."""

import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.axes import Axes

from movingtarget.faults import FAULTS
from movingtarget.figures.fault_detection import draw
from movingtarget.statistics.shares import share_interval


def said(tool: str, detected: list[float], alarmed: list[float], fault: str = "rate-too-low") -> pd.DataFrame:
    return pd.DataFrame({"tool": tool, "fault": fault, "detected": detected, "alarmed": alarmed})


def markers(axes: Axes) -> dict[float, float]:
    points = [xy(line) for line in axes.lines if line.get_marker() != "None"]
    return {round(float(point.y[0]), 2): float(point.x[0]) for point in points}


def test_shares_stand_in_the_row_of_their_fault_with_their_intervals() -> None:
    healthy = said("probe", [0, 0], [0, 1], "none")
    figure = draw(pd.concat([said("probe", [1, 1, 0], [0, 0, 0]), healthy]), said("torchdiag", [0], [1]))
    ours, others = figure.axes
    assert "this probe" in ours.get_title(loc="left")
    assert "torchdiag" in others.get_title(loc="left")
    row = [*FAULTS].index("rate-too-low")
    assert markers(ours) == pytest.approx({row - 0.2: 200 / 3, row + 0.2: 0, 10.2: 50})
    assert markers(others) == pytest.approx({row - 0.2: 0, row + 0.2: 100})
    lines = [line for line in ours.lines if xy(line).y.tolist() == [row - 0.2] * 2]
    low, high = share_interval(pd.Series([1.0, 1.0, 0.0]))[1:]
    assert xy(lines[0]).x.tolist() == pytest.approx([100 * low, 100 * high])
    names = [label.get_text() for label in ours.get_yticklabels()]
    assert names == [*(fault.title for fault in FAULTS.values()), "healthy"]


def test_without_the_others_the_probe_stands_alone() -> None:
    empty = said("probe", [], [])
    assert len(draw(said("probe", [1], [0]), empty).axes) == 1
