"""Rank correlations of information with speed, on tables made by hand."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from movingtarget.experiments.information_prediction import correlation, measure

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
KEYS = ["network", "dial", "setting", "activation", "depth", "seed"]


def arms() -> pd.DataFrame:
    """Two structures and a dial of one of them at three depths, two seeds, with random outcomes."""
    networks = [("plain", "none", 1.0), ("orthogonal", "none", 1.0)]
    networks += [("orthogonal", "gain", gain) for gain in (0.5, 2.0)]
    rows = [
        (*network, activation, depth, seed)
        for network, activation, depth, seed in product(networks, ["tanh", "relu"], [4, 8, 32], [0, 1])
        if network[1] == "none" or depth < 32
    ]
    return pd.DataFrame(rows, columns=KEYS)


def information() -> pd.DataFrame:
    """Both estimators on three layers; that of the middle pair is random, others are far off."""
    frames: list[pd.DataFrame] = []
    for estimator, step, relation in [
        ("gaussian", 0, "layers"),
        ("gaussian", 9, "layers"),
        ("gaussian", 0, "permuted"),
        ("copula", 0, "layers"),
    ]:
        for shift in (-1, 0, 1):
            frame = arms().assign(estimator=estimator, step=step, relation=relation)
            off = 1000.0 * (shift != 0 or step > 0 or relation == "permuted")
            values = np.random.default_rng(len(frames)).uniform(1, 50, len(frame)) + off
            frames.append(frame.assign(layer=frame["depth"] // 2 + shift, value=values))
    return pd.concat(frames).assign(noise=0.3, scaling="deviation", ceiling=np.inf, saturated=0)


def training() -> pd.DataFrame:
    frames: list[pd.DataFrame] = []
    for place, (quantity, step) in enumerate(
        [
            ("steps", 9),
            ("reached", 9),
            ("test_accuracy", 9),
            ("train_loss", 9),
            ("train_loss", 0),
            ("scale", 0),
        ]
    ):
        frame = arms().assign(quantity=quantity, step=step, learning_rate=0.1)
        frames.append(frame.assign(value=np.random.default_rng(100 + place).uniform(0, 1, len(frame))))
    return pd.concat(frames)


@pytest.fixture(scope="module")
def measured() -> dict[str, pd.DataFrame]:
    return measure(information(), training())


def test_an_arm_is_told_by_its_middle_pair_before_training(
    measured: dict[str, pd.DataFrame], written: Written
) -> None:
    initial = written(measured["initial_information"], "initial_information")
    assert len(initial) == 2 * len(arms())
    assert initial["information"].max() < 50
    steps = training()[training()["quantity"] == "steps"].set_index(KEYS)["value"]
    found = initial[initial["estimator"] == "copula"].set_index(KEYS)["steps"]
    pd.testing.assert_series_equal(found.sort_index(), steps.sort_index(), check_names=False)


def test_correlations_are_over_structures_or_over_one_dial_with_the_network_as_drawn(
    measured: dict[str, pd.DataFrame], written: Written
) -> None:
    table = written(measured["information_prediction"], "information_prediction")
    assert len(table) == 2 * 2 * 2 * 2 * 2 * 2
    initial = measured["initial_information"]
    for row in table.to_dict("records"):
        rows = initial[
            (initial["activation"] == row["activation"])
            & (initial["seed"] == row["seed"])
            & (initial["estimator"] == row["estimator"])
        ]
        if row["varied"] == "structure":
            rows = rows[rows["dial"] == "none"]
            assert len(rows) == 2 * 3
        else:
            rows = rows[(rows["network"] == "orthogonal") & (rows["depth"] < 32)]
            assert len(rows) == 3 * 2
        controls = ["depth"] if row["controlled"] == "depth" else ["depth", "scale"]
        assert row["value"] == pytest.approx(by_regression(rows, row["outcome"], controls), abs=1e-9)


def by_regression(rows: pd.DataFrame, outcome: str, controls: list[str]) -> float:
    """Pearson's correlation of what linear regression on the controls' ranks leaves of the ranks."""
    ranks = rows[["information", outcome, *controls]].rank().to_numpy()
    design = np.column_stack([np.ones(len(ranks)), ranks[:, 2:]])
    left = ranks[:, :2] - design @ np.linalg.lstsq(design, ranks[:, :2], rcond=None)[0]
    return float(np.corrcoef(left.T)[0, 1])


def test_an_accuracy_that_has_diverged_counts_as_none() -> None:
    trained = training()
    lost = (trained["quantity"] == "test_accuracy") & (trained["seed"] == 1) & (trained["depth"] == 8)
    tables = measure(information(), trained.assign(value=trained["value"].mask(lost)))
    initial = tables["initial_information"]
    assert (initial.loc[(initial["seed"] == 1) & (initial["depth"] == 8), "test_accuracy"] == 0).all()
    assert tables["information_prediction"]["value"].notna().all()


@pytest.mark.parametrize("rounding", [1e-7, 5e-5])
def test_what_a_dial_moves_by_rounding_alone_is_undefined(rounding: float) -> None:
    depths = np.repeat([4, 8, 16], 3)
    still = pd.DataFrame(
        {"information": depths + rounding * np.arange(9), "steps": [*range(9)], "depth": depths}
    )
    assert np.isnan(correlation(still, "steps", ["depth"]))
    moved = still.assign(information=depths + 0.001 * np.tile([0, 1, 2], 3))
    assert correlation(moved, "steps", ["depth"]) == pytest.approx(1)


def test_a_control_that_does_not_vary_holds_nothing_fixed() -> None:
    rows = pd.DataFrame({"information": [1.0, 2.0, 4.0, 3.0], "steps": [4, 1, 2, 3], "depth": 8})
    expected = spearmanr(rows["information"], rows["steps"]).statistic
    assert correlation(rows, "steps", ["depth"]) == pytest.approx(expected)
