"""Prediction intervals, paired tests, and chances of tests that hang together."""

import numpy as np
import pytest
from scipy import stats

from movingtarget.statistics.prediction import LARGEST, chance_of_most, half_width, paired_chance


@pytest.mark.parametrize(("n", "m"), [(5, 5), (3, 10)])
def test_the_interval_holds_the_mean_of_new_seeds_as_often_as_it_says(n: int, m: int):
    """Of 20,000 pairs of runs the share is right to three standard errors, 0.5 points; seed 0."""
    random = np.random.default_rng(0)
    old, new = random.normal(size=(20_000, n)), random.normal(size=(20_000, m))
    width = half_width(old.std(axis=1, ddof=1), n, m)
    held = np.abs(new.mean(axis=1) - old.mean(axis=1)) <= width
    assert held.mean() == pytest.approx(0.95, abs=0.005)


def test_a_single_seed_has_no_interval_and_no_chance():
    assert np.isnan(half_width(0.0, 1, 1))
    assert np.isnan(paired_chance(1.0, np.nan, 1))


def test_the_chance_is_that_of_the_paired_t_test():
    old, new = np.random.default_rng(0).normal(size=(2, 6))
    differences = new - old
    expected = stats.ttest_rel(new, old).pvalue
    assert paired_chance(differences.mean(), differences.std(ddof=1), 6) == pytest.approx(expected)


def test_equal_differences_are_no_proof_with_two_seeds_and_one_with_five():
    assert paired_chance(1.0, 0.0, 2) == pytest.approx(2 * stats.t.sf(LARGEST * np.sqrt(2), 1))
    assert paired_chance(1.0, 0.0, 2) > 0.004
    assert paired_chance(1.0, 0.0, 5) < 1e-8


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_the_chance_of_most_is_one_however_tests_hang_together(shared: float):
    """Of 20,000 sets of 9 tests with a common part, at most 5 % are at most 0.05, to 0.5 points; seed 0."""
    random = np.random.default_rng(0)
    common, own = random.normal(size=(20_000, 1)), random.normal(size=(20_000, 9))
    chances = 2 * stats.norm.sf(np.abs(np.sqrt(shared) * common + np.sqrt(1 - shared) * own))
    assert np.mean([chance_of_most(row) <= 0.05 for row in chances]) <= 0.055


def test_the_chance_of_most_is_small_only_if_most_are():
    assert chance_of_most([0.01] * 6 + [1.0] * 4) == pytest.approx(0.01 * 10 / 6)
    assert chance_of_most([0.01] * 5 + [1.0] * 5) == 1.0
    assert chance_of_most([0.03]) == 0.03
