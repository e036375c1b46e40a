"""Means over seeds and their intervals."""

import numpy as np
import pandas as pd
import pytest

from movingtarget.statistics.means import mean_interval, mean_of


def test_the_interval_is_near_students():
    """Of ten seeds at 0 ... 9 Student's 95 % interval is 4.5 -+ 2.17; the bootstrap's tolerance is 0.2."""
    mean, low, high = mean_interval(pd.Series(np.arange(10.0)))
    assert mean == 4.5
    assert low == pytest.approx(4.5 - 2.17, abs=0.2)
    assert high == pytest.approx(4.5 + 2.17, abs=0.2)


def test_one_seed_has_a_mean_and_no_interval_and_none_have_neither():
    assert mean_interval(pd.Series([3.0])).estimate == 3.0
    assert np.isnan(mean_interval(pd.Series([3.0]))[1:]).all()
    assert np.isnan(mean_interval(pd.Series([], dtype=float))).all()


def test_mean_of_averages_within_seeds_first():
    table = pd.DataFrame({"seed": [0, 0, 1, 2], "layer": [1, 2, 1, 1], "value": [1.0, 3.0, 4.0, 6.0]})
    found = mean_of(table)
    assert found.estimate == pytest.approx(4.0)
    assert found.low < 4.0 < found.high
    assert mean_of(table, layer=1).estimate == pytest.approx(11 / 3)
    assert mean_of(table, layer=[1, 2]).estimate == pytest.approx(4.0)


def test_mean_of_nothing_is_undefined():
    table = pd.DataFrame({"seed": [0], "layer": [1], "value": [1.0]})
    assert np.isnan(mean_of(table, layer=7).estimate)
