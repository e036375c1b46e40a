"""Random networks on a line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from movingtarget.experiments.line_gradients import (
    VARIANTS,
    autocorrelation_rows,
    gradient_rows,
    line_gradients,
    measure,
    noise_rows,
    noise_series_rows,
    variant_rows,
)
from movingtarget.measures.paths import line
from movingtarget.networks.random import random_network

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
CENTRED = {"network": "feedforward", "normalisation": "centred"}
RESIDUAL = {"network": "residual", "normalisation": "batch-norm", "beta": 0.1}


def test_slopes_of_a_plain_network_are_its_differences():
    description: dict[str, Any] = {"network": "feedforward", "normalisation": "none"}
    inputs = line(5, 1.0)
    slopes = line_gradients(description, 3, 10, [4], inputs)[0]
    network = random_network(**description, beta=float("nan"), depth=3, width=10, seed=4).double()
    step = 1e-6
    with torch.no_grad():
        shifted = network(inputs.double() + step) - network(inputs.double() - step)
    torch.testing.assert_close(slopes.double(), shifted[:, 0] / (2 * step), rtol=1e-4, atol=1e-4)


def test_seeds_are_independent_of_the_others_they_run_with():
    together = line_gradients(RESIDUAL, 4, 12, [1, 2], line(16, 2.0))
    alone = line_gradients(RESIDUAL, 4, 12, [2], line(16, 2.0))
    torch.testing.assert_close(together[1], alone[0], rtol=1e-4, atol=1e-5)


def test_tables_have_a_row_for_each_network_depth_seed_and_lag():
    table = autocorrelation_rows([CENTRED, RESIDUAL], [2, 3], 10, [0, 1], 16, 2.0, lags=4)
    assert len(table) == 2 * 2 * 2 * 5
    assert (table.loc[table["lag"] == 0, "value"] == 1).all()
    assert table.loc[table["network"] == "feedforward", "beta"].isna().all()
    drawn = gradient_rows([CENTRED | {"depth": 2}], 10, 0, 16, 2.0)
    np.testing.assert_allclose(drawn["input"], np.linspace(-2, 2, 16), atol=1e-6)


def test_rulers_are_white_and_brown():
    # 200 series of 256 points: the mean at lag 1 has a standard error below 0.005
    means = noise_rows(range(200), 256, 1).groupby(["noise", "lag"])["value"].mean()
    assert abs(means["white", 1] + 1 / 256) < 0.015
    assert means["brown", 1] > 0.95


def test_experiment_fills_its_tables(written: Written):
    said: list[str] = []
    tables = measure(
        seeds=[3, 4],
        width=8,
        points=16,
        half_width=2.0,
        lags=3,
        depths=[2, 5],
        networks=[CENTRED, RESIDUAL, RESIDUAL | {"beta": 1.0}],
        drawn=[CENTRED | {"depth": 2}, RESIDUAL | {"depth": 5}],
        say=said.append,
    )
    for name, table in tables.items():
        assert len(written(table, name)) == len(table)
    assert {name: len(table) for name, table in tables.items()} == {
        "gradients_on_a_line": 2 * 16,
        "noise_on_a_line": 2 * 16,
        "noise_autocorrelation": 2 * 2 * 4,
        "gradient_autocorrelation": 3 * 2 * 2 * 4,
        "residual_variants": 2 * 3 * 2 * 4,
    }
    variants = tables["residual_variants"]
    assert set(variants["depth"]) == {5}
    assert set(variants["beta"]) == {0.1, 1.0}
    assert set(tables["gradients_on_a_line"]["seed"]) == set(tables["noise_on_a_line"]["seed"]) == {3}
    assert len(said) == len(set(said)) == 3 * 2 + 2 * 3


def test_noise_drawn_is_the_noise_measured():
    series = noise_series_rows(7, 200, 2.0).pivot(index="input", columns="noise", values="value")
    np.testing.assert_allclose(series.index, np.linspace(-2, 2, 200), atol=1e-6)
    np.testing.assert_allclose(series["brown"], series["white"].cumsum(), atol=1e-12)
    measured = noise_rows([6, 7], 200, 1).query("seed == 7 and lag == 1").set_index("noise")["value"]
    for noise in ("white", "brown"):
        centred = (series[noise] - series[noise].mean()).to_numpy()
        expected = (centred[1:] @ centred[:-1]) / (centred @ centred)
        assert measured[noise] == pytest.approx(expected, abs=1e-12)


def test_variants_are_other_readings_of_one_network():
    table = variant_rows([0.1], 6, 10, [0, 1], 32, 2.0, 2)
    plain = autocorrelation_rows([RESIDUAL], [6], 10, [0, 1], 32, 2.0, 2)
    values = {name: table.loc[table["variant"] == name, "value"].to_numpy() for name in VARIANTS}
    np.testing.assert_array_equal(values["stream read out"], plain["value"])
    assert len({tuple(value) for value in values.values()}) == len(VARIANTS) == 3


@pytest.mark.parametrize("network", [CENTRED | {"normalisation": "none"}, RESIDUAL])
def test_one_unit_and_one_layer_give_values_or_none(network: dict[str, str]):
    values = autocorrelation_rows([network], [1], 1, range(8), 16, 2.0, 1)["value"].to_numpy().reshape(8, 2)
    # with one rectifier the slope has one step, or none
    assert np.isnan(values).all(1).any()
    assert (np.isnan(values[:, 0]) | (values[:, 0] == 1)).all()
    assert (np.isnan(values[:, 0]) == np.isnan(values[:, 1])).all()
