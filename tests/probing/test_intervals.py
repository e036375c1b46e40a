"""Means over batches, against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from movingtarget.probing.intervals import over_batches


def test_students_interval():
    values = [0.3, -1.0, 2.5, 0.1]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert over_batches([*values, math.nan]) == pytest.approx((np.mean(values), low, high))


def test_few_values():
    assert over_batches([2.0])[0] == 2
    assert all(map(math.isnan, over_batches([2.0])[1:]))
    assert all(map(math.isnan, over_batches([math.nan])))
