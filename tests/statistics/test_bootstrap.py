"""The interval covers as often as it says, and follows its data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from movingtarget.statistics.bootstrap import Interval, bootstrap_interval, over_arms


def mean_interval(values, **options) -> Interval:
    """Interval of the mean of values, one a seed."""
    values = np.asarray(values)
    return bootstrap_interval(lambda sample: values[sample].mean(-1), len(values), **options)


@pytest.mark.parametrize(("seeds", "coverage"), [(5, 0.93), (10, 0.95)])
def test_covers_the_mean_of_gaussian_seeds(seeds, coverage):
    """1000 experiments: three standard errors of a frequency near 0.95 are 0.02."""
    experiments = np.random.default_rng(1).standard_normal((1000, seeds))
    intervals = [mean_interval(values, resamples=1999, random_seed=i) for i, values in enumerate(experiments)]
    covered = np.mean([low <= 0 <= high for _, low, high in intervals])
    assert covered == pytest.approx(coverage, abs=0.02)


def test_is_wider_than_the_plain_percentile_interval():
    values = np.random.default_rng(1).standard_normal(5)
    plain = stats.bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    _, low, high = mean_interval(values)
    assert low < plain.low < plain.high < high


def test_agrees_with_student_for_twenty_seeds():
    """Seeds at the normal's quantiles; within 1 %. Without the factor of n / (n - 1) it would be 2.6 %."""
    values = stats.norm.ppf((np.arange(20) + 0.5) / 20)
    exact = stats.t.interval(0.95, 19, 0, stats.sem(values))
    estimate, low, high = mean_interval(values, resamples=99999)
    assert estimate == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose([low, high], exact, rtol=0.01)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=8),
    st.integers(-1000, 1000),
    st.sampled_from([-8, -1, 0, 0.5, 4]),
)
def test_follows_shift_and_scale(values, shift, scale):
    estimate, low, high = mean_interval(values, resamples=999)
    moved = mean_interval(shift + scale * np.array(values), resamples=999)
    ends = sorted([shift + scale * low, shift + scale * high])
    np.testing.assert_allclose(moved, [shift + scale * estimate, *ends], rtol=1e-12, atol=1e-9)


def test_more_confidence_is_wider():
    values = np.random.default_rng(3).standard_normal(8)
    widths = [high - low for _, low, high in (mean_interval(values, confidence=c) for c in (0.5, 0.9, 0.99))]
    assert widths == sorted(widths)
    assert widths[0] < widths[2]


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(4).standard_normal(8)
    assert mean_interval(values) == mean_interval(values)
    assert mean_interval(values, random_seed=1) != mean_interval(values, random_seed=2)


def test_paired_differences_are_resampled_together():
    noise = np.random.default_rng(5).standard_normal(6)
    arms = np.stack([noise + 1, noise])
    interval = bootstrap_interval(lambda sample: np.subtract(*arms[:, sample].mean(-1)), 6)
    np.testing.assert_allclose(interval, 1, rtol=1e-12)


def test_one_seed_has_no_interval():
    estimate, low, high = mean_interval([3.0])
    assert estimate == 3
    assert np.isnan([low, high]).all()


@pytest.mark.filterwarnings("error")
def test_a_diverged_seed_opens_one_end_only():
    estimate, low, high = mean_interval([1.0, 2.0, 3.0, 4.0, np.inf])
    assert estimate == high == np.inf
    assert 1 <= low < 2


def test_an_undefined_seed_leaves_the_interval_undefined():
    assert np.isnan(mean_interval([1.0, 2.0, np.nan, 4.0, 5.0])).all()


def test_intervals_over_arms_count_undefined_resamples_as_zero():
    def spread(values: np.ndarray) -> np.ndarray:
        width = np.ptp(values, axis=-1)
        return np.where(width > 0, 1.0, np.nan)

    assert over_arms(spread, np.array([1.0, 2.0])).low == 0.0
    assert np.isnan(over_arms(spread, np.array([1.0, 1.0])).estimate)
    values = np.array([1.0, 5.0, 2.0])
    assert over_arms(lambda column: column.mean(-1), values) == bootstrap_interval(
        lambda arms: values[arms].mean(-1), 3
    )
