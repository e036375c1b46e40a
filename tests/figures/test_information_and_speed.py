"""The figure of steps to the threshold against the information at the start."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, xy
from matplotlib.colors import to_hex
from scipy.stats import spearmanr

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.information_and_speed import draw
from movingtarget.statistics.rows import divide


@pytest.fixture
def initial() -> pd.DataFrame:
    arms: dict[str, Sequence[Any]] = {
        "network": ["plain", "residual"],
        "activation": ["tanh", "relu"],
        "depth": [4, 8],
        "seed": range(3),
    }
    readings: dict[str, Sequence[Any]] = {
        "estimator": ["copula", "gaussian", "alignment"],
        "noise": [0.1, 0.3],
    }
    frame = crossed({**arms, **readings, "scaling": ["deviation", "root-mean-square"]})
    frame = frame[(frame["noise"] == 0.3) | (frame["estimator"] == "gaussian")]
    source = np.random.default_rng(1)
    frame = frame.assign(
        information=source.uniform(size=len(frame)), steps=source.uniform(20, 120, len(frame))
    )
    return pd.concat([frame.assign(dial="none"), frame.assign(dial="gain", information=1e3)])


def test_a_panel_for_each_estimator_in_their_order(initial: pd.DataFrame) -> None:
    figure = draw(initial)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.splitlines()[0] for title in titles] == ["(a) Gaussian", "(b) copula", "(c) CKA (no nats)"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["information (nats)"] * 2 + ["similarity"]
    assert figure.axes[0].get_ylabel() == "steps to the threshold"


def test_markers_are_means_over_seeds_with_their_rank_correlation(initial: pd.DataFrame) -> None:
    for axes, estimator in zip(draw(initial).axes, ["gaussian", "copula", "alignment"], strict=True):
        rows = initial.query(
            f"dial == 'none' and scaling == 'deviation' and noise == 0.3 and estimator == '{estimator}'"
        )
        means = rows.groupby(["network", "activation", "depth"], sort=False)[["information", "steps"]].mean()
        for line, ((network, activation), own) in zip(
            axes.lines, divide(means.reset_index(), "network", "activation").items(), strict=True
        ):
            np.testing.assert_allclose(xy(line), own[["information", "steps"]].to_numpy().T)
            assert to_hex(line.get_color()) == LOOKS[network]["color"].lower()
            filled = to_hex(line.get_markerfacecolor()) != "#ffffff"
            assert filled == (activation == "tanh")
        correlation = spearmanr(means["information"], means["steps"]).statistic
        assert axes.get_title(loc="left").endswith(f"\nr = {correlation:.2f}")


def test_an_estimate_that_is_the_same_for_all_orders_none(initial: pd.DataFrame) -> None:
    """Whatever rounding leaves."""
    same = initial["estimator"] == "copula"
    table = initial.assign(information=initial["information"].mask(same, 7.5 + 1e-9 * initial["steps"]))
    assert draw(table).axes[1].get_title(loc="left").endswith("\nr undefined")
