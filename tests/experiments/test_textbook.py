"""The textbook's plot and its single changes."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from movingtarget.experiments.textbook import (
    CHANGES,
    ESTIMATORS,
    STUDY,
    Setting,
    measure,
    textbook_network,
    textbook_slopes,
)
from movingtarget.measures.paths import line

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SIZES: dict[str, Any] = {"width": 9, "points": 24, "half_width": 2.0, "lags": 4}


def test_table_has_a_row_for_each_change_estimator_depth_seed_and_lag(written: Written) -> None:
    said: list[str] = []
    table = measure([1, 2], depths=[1, 3], changes=[*CHANGES], say=said.append, **SIZES)
    rows = written(table["textbook_autocorrelation"], "textbook_autocorrelation")
    assert len(rows) == len(CHANGES) * len(ESTIMATORS) * 2 * 2 * 5
    assert len(said) == len(set(said)) == 2 * len(CHANGES)


def loop(network: torch.nn.Module, point: float, centred_over: np.ndarray | None) -> float:
    """df/dx at one point by the textbook's recursion, in numpy, for all points if centred."""
    points = np.array([point]) if centred_over is None else centred_over
    values, slopes = points[None], np.ones((1, len(points)))
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)]
    for place, layer in enumerate(layers):
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        values, slopes = weight @ values + bias[:, None], weight @ slopes
        if place < len(layers) - 1:
            if centred_over is not None:
                values = values - values.mean(1, keepdims=True)
            slopes, values = slopes * (values > 0), np.maximum(values, 0)
    return float(slopes[0, np.flatnonzero(points == point)[0]])


@pytest.mark.parametrize("change", CHANGES)
def test_slopes_are_those_of_the_textbooks_recursion(change: str) -> None:
    inputs = line(6, 2.0).double()
    slopes = textbook_slopes(CHANGES[change], 3, 7, [4], inputs)[0]
    network = textbook_network(CHANGES[change], 3, 7, 4)
    grid = inputs[:, 0].numpy()
    centred = grid if CHANGES[change].normalisation == "centred" else None
    np.testing.assert_allclose(slopes, [loop(network, point, centred) for point in grid], atol=1e-12)


def test_parameters_have_the_variance_of_their_setting() -> None:
    layers = [
        part for part in textbook_network(Setting(), 2, 300, 0).modules() if isinstance(part, torch.nn.Linear)
    ]
    for values in (layers[0].weight, layers[0].bias, layers[1].weight, layers[1].bias, layers[2].weight):
        assert values.square().mean().item() == pytest.approx(1 / 300, rel=0.25)
    he = [
        part
        for part in textbook_network(CHANGES["He weights"], 2, 300, 0).modules()
        if isinstance(part, torch.nn.Linear)
    ]
    assert he[0].weight.square().mean().item() == pytest.approx(2, rel=0.25)
    assert he[1].weight.square().mean().item() == pytest.approx(2 / 300, rel=0.05)
    assert torch.equal(he[1].bias, layers[1].bias)


def test_each_change_is_a_single_one() -> None:
    for change, setting in CHANGES.items():
        differing = sum(ours != given for ours, given in zip(setting, Setting(), strict=True))
        assert differing == (change != "as it stands")
    assert all(first != second for first, second in combinations(CHANGES.values(), 2))


def test_estimators_differ_by_the_mean() -> None:
    table = measure([3], depths=[2], changes=["as it stands"], **SIZES)["textbook_autocorrelation"]
    slopes = textbook_slopes(Setting(), 2, 9, [3], line(24, 2.0).double())[0].numpy()
    for estimator, values in table.groupby("estimator")["value"]:
        used = slopes - slopes.mean() if estimator == "mean removed" else slopes
        # the textbook's own estimator is numpy's, divided by its middle
        expected = np.correlate(used, used, "full")[len(used) - 1 :][:5]
        np.testing.assert_allclose(values, expected / expected[0], atol=1e-12)


def test_too_many_lags_are_one_line() -> None:
    (problem,) = STUDY.problems({"textbook": {"lags": 5, "points": 5}})
    assert problem == "textbook.lags is 5; allowed: less than 5, textbook.points"
