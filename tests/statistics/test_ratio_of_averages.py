"""The ratio of two averages over seeds."""

import numpy as np
import pytest

from movingtarget.statistics.ratio_of_averages import ratio_of_averages


def test_the_mean_is_the_ratio_of_averages():
    draw = np.random.default_rng(0)
    above, below = draw.normal(size=7), draw.uniform(0.5, 2.0, 7)
    assert ratio_of_averages(above, below).mean() == pytest.approx(above.sum() / below.sum(), abs=1e-12)


def test_equal_ratios_have_no_spread_however_their_sizes_vary():
    below = np.array([1.0, 5.0, 0.1])
    np.testing.assert_allclose(ratio_of_averages(0.3 * below, below), 0.3)


def test_the_spread_is_that_of_the_ratio_over_many_samples():
    draw = np.random.default_rng(1)
    below = draw.lognormal(0, 0.4, (2000, 20))
    above = 0.2 * below + draw.normal(0, 0.1, below.shape)
    ratios = above.sum(1) / below.sum(1)
    errors = [ratio_of_averages(*sample).std(ddof=1) / 20**0.5 for sample in zip(above, below, strict=True)]
    # of 2000 samples the deviation is known to 2 %
    assert np.mean(errors) == pytest.approx(ratios.std(), rel=0.06)


def test_zero_denominators_leave_it_undefined():
    assert np.isnan(ratio_of_averages([0.0, 0.0], [0.0, 0.0])).all()
    assert np.isfinite(ratio_of_averages([0.0, 1.0], [0.0, 2.0])).all()
