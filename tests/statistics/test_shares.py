"""The interval of a share."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from movingtarget.statistics.shares import share_interval


@pytest.mark.parametrize(("ones", "cases"), [(0, 7), (3, 20), (20, 20)])
def test_agrees_with_statsmodels(ones: int, cases: int) -> None:
    found = share_interval(pd.Series([1.0] * ones + [0.0] * (cases - ones)))
    low, high = proportion_confint(ones, cases, method="wilson")
    np.testing.assert_allclose(found, [ones / cases, low, high], atol=1e-12)


def test_of_no_case_nothing_is_known() -> None:
    assert np.isnan(share_interval(pd.Series([], dtype=float))).all()
