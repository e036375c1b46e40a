"""Whiteness of slopes on a line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from statsmodels.stats.diagnostic import acorr_ljungbox

from movingtarget.experiments.line_gradients import line_gradients
from movingtarget.experiments.whiteness import QUANTITIES, STACK, measure, whiteness_rows
from movingtarget.measures.paths import line

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
CENTRED: dict[str, Any] = {"network": "feedforward", "normalisation": "centred"}
RESIDUAL: dict[str, Any] = {"network": "residual", "normalisation": "batch-norm", "beta": 1.0}
SIZES: dict[str, Any] = {"width": 9, "points": 24, "half_width": 2.0, "lags": 4}


def test_tables_have_a_row_for_each_network_depth_seed_and_quantity(written: Written) -> None:
    said: list[str] = []
    tables = measure([1, 2, 3], depths=[2, 3], networks=[CENTRED, RESIDUAL], say=said.append, **SIZES)
    assert len(written(tables["whiteness"], "whiteness")) == 2 * 2 * 3 * len(QUANTITIES)
    assert len(written(tables["noise_whiteness"], "noise_whiteness")) == 3 * len(QUANTITIES)
    assert len(said) == len(set(said)) == 4


def test_values_are_those_of_the_seeds_own_slopes() -> None:
    table = measure([5, 6], depths=[3], networks=[CENTRED], **SIZES)["whiteness"]
    slopes = line_gradients(CENTRED, 3, 9, [6], line(24, 2.0))[0].double().numpy()
    values = table[table["seed"] == 6].set_index("quantity")["value"]
    expected = acorr_ljungbox(slopes, lags=[4]).iloc[0]
    # single precision in the slopes
    np.testing.assert_allclose(values["statistic"], expected["lb_stat"] / 4, rtol=1e-4)
    assert values["rejected"] == float(expected["lb_pvalue"] < 0.05)
    outer = np.concatenate([slopes[:6], slopes[-6:]])
    np.testing.assert_allclose(values["outer_power"], (outer**2).mean() / (slopes**2).mean(), rtol=1e-4)


def test_seeds_beyond_one_stack_keep_their_order() -> None:
    many = list(range(STACK + 2))
    table = measure(many, depths=[2], networks=[CENTRED], **SIZES)["whiteness"]
    alone = measure(many[-1:], depths=[2], networks=[CENTRED], **SIZES)["whiteness"]
    of_last = table[table["seed"] == many[-1]]["value"]
    np.testing.assert_allclose(of_last, alone["value"], rtol=1e-4)


def test_a_constant_slope_is_neither_white_nor_rejected() -> None:
    rows = whiteness_rows(torch.ones(1, 12), [0], 3).set_index("quantity")["value"]
    assert np.isnan(rows[["rejected", "statistic", "low_frequencies"]]).all()
