"""Rank correlations against scipy and against residuals."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from movingtarget.statistics.rank_correlation import partial_rank_correlation, rank_correlation

TRIPLES = st.lists(st.tuples(*[st.integers(-4, 4)] * 3), min_size=4, max_size=30)


def residuals(values: NDArray[np.float64], control: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a straight line through the ranks leaves of the first ones."""
    ranks, others = scipy.stats.rankdata(values), scipy.stats.rankdata(control)
    design = np.column_stack([np.ones_like(others), others])
    return np.asarray(ranks - design @ np.linalg.lstsq(design, ranks)[0])


@given(TRIPLES)
def test_is_spearmans(rows: list[tuple[int, int, int]]) -> None:
    first, second, _ = np.array(rows, dtype=float).T
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert np.isnan(rank_correlation(first, second))
    else:
        expected = scipy.stats.spearmanr(first, second).statistic
        assert rank_correlation(first, second) == pytest.approx(expected, abs=1e-12)


@given(TRIPLES)
def test_partial_is_the_correlation_of_residuals(rows: list[tuple[int, int, int]]) -> None:
    first, second, control = np.array(rows, dtype=float).T
    partial = partial_rank_correlation(first, second, control)
    if np.ptp(control) == 0:
        assert np.isnan(partial)
        return
    left, right = residuals(first, control), residuals(second, control)
    if min(left.std(), right.std()) < 1e-6:
        assert np.isnan(partial)
    else:
        assert partial == pytest.approx(np.corrcoef(left, right)[0, 1], abs=1e-9)


def test_control_takes_a_common_cause_away() -> None:
    source = np.random.default_rng(0)
    cause = source.standard_normal(2000)
    first, second = (cause + 0.5 * source.standard_normal(2000) for _ in range(2))
    assert rank_correlation(first, second) > 0.7
    # standard error 0.02; ranks leave a little of a linear cause
    assert abs(partial_rank_correlation(first, second, cause)) < 0.1


def test_leading_axes_are_broadcast() -> None:
    source = np.random.default_rng(1)
    first, second, control = (source.standard_normal(shape) for shape in ((3, 1, 8), (2, 8), (8,)))
    plain, partial = rank_correlation(first, second), partial_rank_correlation(first, second, control)
    assert plain.shape == partial.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            assert plain[i, j] == pytest.approx(rank_correlation(first[i, 0], second[j]))
            alone = partial_rank_correlation(first[i, 0], second[j], control)
            assert partial[i, j] == pytest.approx(alone)


def test_infinities_are_the_largest_and_tie() -> None:
    first, control = [3.0, 1, 4, 2, 6, 5], [1.0, 4, 2, 6, 5, 3]
    infinite, finite = [5.0, np.inf, 7, 1, np.inf, 2], [5.0, 100, 7, 1, 100, 2]
    assert rank_correlation(first, infinite) == rank_correlation(first, finite)
    expected = partial_rank_correlation(first, finite, control)
    assert np.isfinite(expected)
    assert partial_rank_correlation(first, infinite, control) == expected
    assert np.isnan(rank_correlation(first, [np.inf] * 6))


def test_nothing_varying_is_undefined_in_its_own_row_only() -> None:
    values = np.array([[1.0, 2, 3, 4], [7, 7, 7, 7]])
    np.testing.assert_array_equal(rank_correlation(values, [1, 2, 3, 4]), [1, np.nan])
    np.testing.assert_array_equal(rank_correlation([5.0], [6.0]), np.nan)


@pytest.mark.parametrize("sign", [1, -1])
def test_control_that_determines_one_of_them_leaves_nothing(sign: int) -> None:
    first, second = np.array([1.0, 5, 2, 8, 3]), np.array([2.0, 1, 4, 3, 9])
    assert np.isnan(partial_rank_correlation(first, second, sign * np.exp(first)))
    assert np.isnan(partial_rank_correlation(first, second, sign * np.exp(second)))


def test_a_missing_value_makes_the_correlation_undefined() -> None:
    assert np.isnan(rank_correlation([1.0, np.nan, 3], [1.0, 2, 3]))
    assert np.isnan(partial_rank_correlation([1.0, 2, 4, 3], [1.0, 2, np.nan, 4], [4.0, 2, 1, 3]))
