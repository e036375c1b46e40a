"""The figures of rank correlations of information with speed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, xy
from matplotlib.axes import Axes

from movingtarget.figures import information_prediction
from movingtarget.figures.information_readings import draw


@pytest.fixture
def prediction() -> pd.DataFrame:
    columns = {"varied": ["structure", "gain"], "activation": ["tanh", "relu"]}
    settings = {"outcome": ["steps", "test_accuracy"], "controlled": ["depth", "depth and scale"]}
    readings: dict[str, Sequence[Any]] = {
        "estimator": ["copula", "gaussian"],
        "noise": [0.3, 1.0],
        "scaling": ["deviation"],
    }
    frame = crossed({**columns, **settings, **readings, "seed": range(5)})
    return frame[(frame["noise"] == 0.3) | (frame["estimator"] == "gaussian")].assign(
        value=lambda rows: np.random.default_rng(0).uniform(-1, 1, len(rows))
    )


def test_a_row_for_each_reading_a_panel_for_what_varies_and_what_is_held(prediction: pd.DataFrame) -> None:
    figure = draw(prediction)
    axes = figure.axes
    titles = [panel.get_title(loc="left")[4:] for panel in axes]
    assert titles == [
        f"{varied}, {held} held" for varied in ("structure", "gain") for held in ("depth", "depth and scale")
    ]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "Gaussian, 0.3 dev.",
        "Gaussian, 1 dev.",
        "copula",
    ]
    assert figure.get_supxlabel() == "rank correlation with steps to the threshold"


def test_markers_are_means_over_seeds_and_bars_hold_them(prediction: pd.DataFrame) -> None:
    panel = draw(prediction).axes[2]
    rows = prediction.query("varied == 'gain' and outcome == 'steps' and controlled == 'depth'")
    markers = [line for line in panel.lines if line.get_marker() in ("o", "s")]
    bars = [line for line in panel.lines if len(xy(line).x) == 2 and xy(line).x[0] < xy(line).x[1]]
    expected = [
        rows.query(f"estimator == '{estimator}' and noise == {noise} and activation == '{activation}'")[
            "value"
        ]
        for estimator, noise in [("gaussian", 0.3), ("gaussian", 1.0), ("copula", 0.3)]
        for activation in ("tanh", "relu")
    ]
    for marker, bar, values in zip(markers, bars, expected, strict=True):
        assert xy(marker).x.item() == pytest.approx(values.mean())
        assert xy(bar).x[0] < values.mean() < xy(bar).x[1]
        assert xy(bar).y == pytest.approx(xy(marker).y.repeat(2))
    heights = [xy(marker).y.item() for marker in markers]
    assert heights == sorted(heights)
    low, high = panel.get_ylim()
    assert low > max(heights) > min(heights) > high


def test_what_is_undefined_leaves_its_row_empty(prediction: pd.DataFrame) -> None:
    lost = (prediction["varied"] == "gain") & (prediction["activation"] == "relu")
    panel = draw(prediction.assign(value=prediction["value"].mask(lost))).axes[2]
    drawn = [line for line in panel.lines if line.get_marker() == "s" and np.isfinite(xy(line).x).all()]
    assert not drawn


def points(panel: Axes) -> list[tuple[float, float]]:
    """Where markers stand, in their order from the top."""
    markers = [xy(line) for line in panel.lines if line.get_marker() in ("o", "s")]
    return [(point.x.item(), point.y.item()) for point in markers]


def test_the_main_figure_compares_what_varies_by_one_estimator_and_estimators_by_structure(
    prediction: pd.DataFrame,
) -> None:
    first, second, third = information_prediction.draw(prediction).axes
    gaussian = prediction.query("estimator == 'gaussian' and noise == 0.3 and outcome == 'steps'")
    for panel, controlled in ((first, "depth"), (second, "depth and scale")):
        means = [
            gaussian.query(
                f"varied == '{varied}' and activation == '{activation}' and controlled == {controlled!r}"
            )
            for varied in ("structure", "gain")
            for activation in ("tanh", "relu")
        ]
        assert [x for x, _ in points(panel)] == pytest.approx([rows["value"].mean() for rows in means])
    assert [label.get_text() for label in first.get_yticklabels()] == ["structure", "gain"]
    structure = draw(prediction).axes[1]
    assert points(third) == points(structure)
    assert third.get_title(loc="left") == "(c) by estimator"
