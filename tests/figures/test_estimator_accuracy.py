"""The figures of estimators against known truths."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, xy
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from movingtarget.drawing.labels import text_colour
from movingtarget.estimators import ESTIMATORS
from movingtarget.experiments.estimator_accuracy import TASKS
from movingtarget.figures import estimator_accuracy
from movingtarget.figures.estimator_noises import draw

CEILING = 7.5
NAMES = ["gaussian", "pairwise-upper", "binned"]


def table(**columns: Any) -> pd.DataFrame:
    """Estimates near 1 of a truth of 2, or of 0 for shuffled examples."""
    defaults = {"task": TASKS, "noise": [0.1, 1.0], "estimator": NAMES, "seed": range(3), "dimension": [1, 4]}
    frame = crossed(defaults | columns)
    truth = np.where(frame["task"] == "permuted", 0.0, 2.0)
    relative: pd.Series = frame["value"] / np.where(truth > 0, truth, np.nan)
    ceiling = np.where(frame["estimator"] == "gaussian", np.inf, CEILING)
    return frame.assign(truth=truth, relative=relative, ceiling=ceiling, saturated=0)


def chosen(frame: pd.DataFrame, **values: Any) -> pd.Series:
    """A mask of the rows with these values."""
    return pd.Series(np.logical_and.reduce([frame[column] == value for column, value in values.items()]))


def marks(axes: Axes, estimator: str) -> list[Line2D]:
    """The marks of an estimator, from the top of the panel down."""
    colour = ESTIMATORS[estimator].look["color"].lower()
    own = [line for line in axes.lines if line.get_marker() != "None" and to_hex(line.get_color()) == colour]
    return sorted(own, key=lambda line: xy(line).y[0])


def test_every_mark_stands_where_its_mean_is_below_that_of_fewer_columns():
    frame = table()
    panels = iter(draw(frame).axes)
    for noise in (0.1, 1.0):
        for task in TASKS:
            axes = next(panels)
            for place, name in enumerate(NAMES):
                rows = frame[chosen(frame, task=task, noise=noise, estimator=name)]
                column = "value" if task == "permuted" else "relative"
                means = rows.groupby("dimension")[column].mean()
                points = [xy(mark) for mark in marks(axes, name)]
                np.testing.assert_allclose([point.x[0] for point in points], means, rtol=1e-12)
                heights = [point.y[0] for point in points]
                assert place - 0.5 < heights[0] < place < heights[1] < place + 0.5
                assert {mark.get_marker() for mark in marks(axes, name)} == {ESTIMATORS[name].look["marker"]}


def test_the_main_figure_has_the_middle_noise_alone():
    frame = table(noise=[0.1, 0.3, 1.0])
    middle = frame[frame["noise"] == 0.3].reset_index(drop=True)
    shown, expected = estimator_accuracy.draw(frame).axes, draw(middle).axes
    assert len(shown) == len(expected) == len(TASKS)
    for axes, other in zip(shown, expected, strict=True):
        for name in NAMES:
            pairs = zip(marks(axes, name), marks(other, name), strict=True)
            assert all(xy(mark).x[0] == xy(twin).x[0] for mark, twin in pairs)


def test_the_truth_is_a_line_and_so_is_the_ceiling_where_the_abscissa_is_in_nats():
    figure = draw(table())
    for axes, task in zip(figure.axes, 2 * TASKS, strict=True):
        upright = sorted(xy(line).x[0] for line in axes.lines if len(set(xy(line).x)) == 1 < len(xy(line).x))
        assert upright == ([0.0, CEILING] if task == "permuted" else [1.0])


def test_a_mark_is_hollow_if_a_seed_is_saturated():
    frame = table()
    one = chosen(frame, task="decaying", noise=1.0, estimator="binned", dimension=4, seed=2)
    figure = draw(frame.assign(saturated=one.astype(int)))
    hollow = [
        (place, round(float(xy(line).y[0]), 2))
        for place, axes in enumerate(figure.axes)
        for line in axes.lines
        if line.get_marker() != "None" and to_hex(line.get_markerfacecolor()) == "#ffffff"
    ]
    assert hollow == [(len(TASKS) + 1, pytest.approx(2.17))]


@pytest.mark.parametrize(("value", "shown"), [(30.0, 2.0), (-3.0, 0.0), (2.6, 1.3)])
def test_what_is_off_the_scale_stands_on_its_edge(value: float, shown: float):
    frame = table()
    own = chosen(frame, task="gaussian", noise=0.1, estimator="binned")
    frame.loc[own, "relative"] = value / 2
    axes = draw(frame).axes[0]
    assert [xy(mark).x[0] for mark in marks(axes, "binned")] == [shown, shown]
    low, high = axes.get_xlim()
    assert low < shown < high
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "≥2"]


def bars(axes: Axes) -> list[np.ndarray]:
    """The ends of each bar, a row each; none of a bar that is not drawn."""
    drawn = [one for one in axes.collections if isinstance(one, LineCollection)]
    return [np.asarray(one.get_segments()).reshape(-1, 2) for one in drawn]


def test_bars_are_intervals_over_seeds_and_a_single_seed_has_none():
    axes = draw(table()).axes[0]
    (low, height), (high, _) = bars(axes)[0]
    mark = xy(marks(axes, "gaussian")[0])
    assert low < mark.x[0] < high
    assert height == mark.y[0]
    assert all(len(ends) == 0 for ends in bars(draw(table(seed=[0])).axes[0]))


def test_rows_are_named_in_the_estimators_colours_and_panels_by_task_and_noise():
    figure = draw(table())
    first = figure.axes[0]
    labels = first.get_yticklabels()
    assert [label.get_text() for label in labels] == [ESTIMATORS[name].title for name in NAMES]
    for label, name in zip(labels, NAMES, strict=True):
        assert label.get_color() == text_colour(ESTIMATORS[name].look["color"])
    assert first.get_title(loc="left") == "(a) Gaussian"
    assert figure.axes[5].get_title(loc="left") == "(f) shuffled"
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["noise 0.1", "noise 1"]
    assert [axes.get_xlabel() for axes in figure.axes[-6:]] == 5 * ["estimate/truth"] + ["nats"]


def test_an_estimator_that_takes_no_part_in_a_task_leaves_its_row_empty():
    frame = table()
    frame = frame[~chosen(frame, task="cubed", estimator="pairwise-upper")]
    axes = draw(frame).axes
    assert not marks(axes[3], "pairwise-upper")
    assert len(marks(axes[2], "pairwise-upper")) == len(marks(axes[3], "binned")) == 2


def test_one_task_at_one_dimension_and_one_noise():
    (axes,) = draw(table(task=["gaussian"], noise=[0.3], dimension=[4])).axes
    assert [xy(mark).y[0] for name in NAMES for mark in marks(axes, name)] == [0, 1, 2]
    assert axes.get_title(loc="left") == "Gaussian"
    assert not axes.get_ylabel()
