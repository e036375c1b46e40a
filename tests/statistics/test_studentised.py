"""The interval covers as often as it says, also for skewed seeds, and agrees with the bootstrap-t by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from movingtarget.statistics.bootstrap import Interval, bootstrap_interval
from movingtarget.statistics.studentised import studentised_interval
from movingtarget.training.tuning import search

SKEWED = np.array([0.2, 0.3, 0.35, 0.5, 0.9, 1.7])
EXPERIMENTS = 1000


def drawn(name: str, *shape: int) -> tuple[NDArray[np.float64], float]:
    """Experiments, and the mean that their intervals should cover."""
    normal = np.random.default_rng(shape).standard_normal(shape)
    if name == "normal":
        return normal, 0.0
    if name == "lognormal":
        return np.exp(normal), float(np.exp(0.5))
    return np.random.default_rng(shape).standard_exponential(shape), 1.0


def percentile_interval(values: NDArray[np.float64], **options: Any) -> Interval:
    return bootstrap_interval(lambda rows: values[rows].mean(-1), len(values), **{"resamples": 999} | options)


def covered(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([low <= truth <= high for _, low, high in intervals]))


@pytest.mark.parametrize(
    ("name", "seeds", "coverage"),
    [
        ("normal", 5, 0.945),
        ("normal", 10, 0.94),
        ("normal", 20, 0.945),
        ("exponential", 5, 0.93),
        ("exponential", 10, 0.935),
        ("exponential", 20, 0.94),
        ("lognormal", 5, 0.89),
        ("lognormal", 10, 0.9),
        ("lognormal", 20, 0.92),
    ],
)
def test_covers_the_mean_of_seeds_of_any_shape(name, seeds, coverage):
    """1000 experiments: three standard errors of a frequency near 0.92 are 0.025."""
    experiments, truth = drawn(name, EXPERIMENTS, seeds)
    intervals = [studentised_interval(values, resamples=999) for values in experiments]
    assert covered(intervals, truth) == pytest.approx(coverage, abs=0.025)


@pytest.mark.parametrize(("name", "seeds"), [("exponential", 10), ("lognormal", 5), ("lognormal", 20)])
def test_covers_skewed_seeds_more_often_than_percentiles_do(name, seeds):
    """On the side of the rare large seeds, where percentiles miss one in ten to one in five."""
    experiments, truth = drawn(name, 400, seeds)
    studentised = [studentised_interval(values, resamples=999) for values in experiments]
    percentile = [percentile_interval(values) for values in experiments]
    assert covered(studentised, truth) > covered(percentile, truth) + 0.02
    missed = [np.mean([high < truth for _, _, high in found]) for found in (studentised, percentile)]
    assert missed[0] < missed[1] - 0.02


def best_of(losses: dict[float, NDArray[np.float64]]) -> float:
    """The best of these rates; at any other, the loss is 9."""
    beside = np.full(10, 9.0)
    return search(lambda rates: [losses.get(rate, beside) for rate in rates], [*losses]).best


def test_a_rate_chosen_on_other_seeds_leaves_the_interval_as_good_as_it_is():
    """Three learning rates whose losses are noise around 0: how often is the loss found below 0?

    Chosen on other seeds, in 2.5 % of experiments, as it should be. Chosen on the tested seeds, the best of
    three is found below 0 in nearly 1 - 0.975^3 = 7.3 %. 800 experiments: three standard errors are 0.017
    and 0.027.
    """
    rates = [0.1, 0.15, 0.225]
    verdicts = []
    for experiment in range(800):
        noise = np.random.default_rng(experiment).standard_normal((2, len(rates), 10))
        tested, others = (dict(zip(rates, losses, strict=True)) for losses in noise)
        chosen = [best_of(losses) for losses in (others, tested)]
        verdicts.append([studentised_interval(tested[rate], resamples=999).high < 0 for rate in chosen])
    on_others, on_tested = np.mean(verdicts, axis=0)
    assert on_others == pytest.approx(0.025, abs=0.017)
    assert on_tested == pytest.approx(0.073, abs=0.027)
    assert on_tested > 2 * on_others


def by_hand(rows, combine=lambda mean: mean, confidence=0.95, resamples=500) -> list[float]:
    """Bootstrap-t with loops: each resample written out, and each of its rows left out in turn."""
    rows = np.reshape(np.asarray(rows, dtype=float), (len(rows), -1))
    source = np.random.default_rng(0)

    def estimate_and_error(sample):
        every = [combine(*np.delete(sample, place, axis=0).mean(0)) for place in range(len(sample))]
        return combine(*sample.mean(0)), np.sqrt((len(sample) - 1) * np.var(every))

    estimate, error = estimate_and_error(rows)
    pivots = []
    for places in source.integers(len(rows), size=(resamples, len(rows))):
        again, its_error = estimate_and_error(rows[places])
        pivots.append((again - estimate) / its_error)
    low, high = np.quantile(pivots, [(1 - confidence) / 2, (1 + confidence) / 2])
    return [estimate, estimate - high * error, estimate - low * error]


def slope(*means):
    return np.log(means[1]) - np.log(means[0])


@pytest.mark.parametrize(
    ("columns", "combine"), [(1, lambda mean: mean), (2, np.divide), (2, slope), (2, np.subtract)]
)
@pytest.mark.parametrize("seeds", [6, 10])
def test_agrees_with_the_bootstrap_by_hand(columns, combine, seeds):
    """Skewed rows: without the largest, what is left of some resamples that lack it would be negative."""
    rows = np.random.default_rng(7).lognormal(sigma=1.5, size=(seeds, columns))
    found = studentised_interval(rows, combine, resamples=500)
    np.testing.assert_allclose(found, by_hand(rows, combine), rtol=1e-9)


def test_agrees_with_the_bootstrap_by_hand_at_another_confidence():
    found = studentised_interval(SKEWED, confidence=0.8, resamples=500)
    np.testing.assert_allclose(found, by_hand(SKEWED, confidence=0.8), rtol=1e-9)


def test_a_mean_has_the_standard_error_that_textbooks_give():
    pivots = []
    for places in np.random.default_rng(0).integers(6, size=(999, 6)):
        again = SKEWED[places]
        pivots.append((again.mean() - SKEWED.mean()) / stats.sem(again))
    low, high = SKEWED.mean() - np.quantile(pivots, [0.975, 0.025]) * stats.sem(SKEWED)
    np.testing.assert_allclose(studentised_interval(SKEWED, resamples=999)[1:], [low, high], rtol=1e-9)


def test_many_seeds_of_a_ratio_have_the_interval_of_the_delta_method():
    """400 seeds; within 10 % of the half width."""
    top, bottom = np.random.default_rng(1).normal([2, 4], [0.5, 1], size=(400, 2)).T
    ratio = top.mean() / bottom.mean()
    error = stats.sem(top - ratio * bottom) / bottom.mean()
    found = studentised_interval(np.stack([top, bottom], -1), np.divide)
    assert found.estimate == pytest.approx(ratio)
    np.testing.assert_allclose(found[1:], [ratio - 1.96 * error, ratio + 1.96 * error], atol=0.2 * error)


def test_skewness_widens_the_side_where_seeds_are_rare():
    estimate, low, high = studentised_interval(SKEWED)
    assert high - estimate > 1.5 * (estimate - low)
    student = stats.t.interval(0.95, 5, estimate, stats.sem(SKEWED))
    assert low > student[0]
    assert high > student[1]


def test_columns_are_paired_by_seed():
    """Seeds differ far more than the columns do."""
    noise = 100.0 * np.arange(6)
    rows = np.stack([noise + SKEWED, noise], -1)
    found = studentised_interval(rows, np.subtract)
    np.testing.assert_allclose(found, studentised_interval(SKEWED), rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=8),
    st.integers(-1000, 1000),
    st.sampled_from([-8, -1, 0, 0.5, 4]),
)
def test_follows_shift_and_scale(values, shift, scale):
    estimate, low, high = studentised_interval(values, resamples=999)
    moved = studentised_interval(shift + scale * np.array(values), resamples=999)
    ends = sorted([shift + scale * low, shift + scale * high])
    np.testing.assert_allclose(moved, [shift + scale * estimate, *ends], rtol=1e-9, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=8))
def test_more_confidence_is_no_narrower(values):
    found = [studentised_interval(values, confidence=level, resamples=999) for level in (0.5, 0.95, 0.9999)]
    lows, highs = [interval.low for interval in found], [interval.high for interval in found]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs)
    assert found[0].low <= found[0].high


def test_the_order_of_seeds_does_not_matter():
    """But for the resamples drawn: a twentieth of the width."""
    found = studentised_interval(SKEWED)
    turned = studentised_interval(np.random.default_rng(3).permutation(SKEWED))
    np.testing.assert_allclose(turned, found, atol=(found.high - found.low) / 20)


def test_the_same_seed_gives_the_same_interval():
    assert studentised_interval(SKEWED) == studentised_interval(SKEWED)
    assert studentised_interval(SKEWED, random_seed=1) != studentised_interval(SKEWED)
    assert studentised_interval(SKEWED, resamples=999) != studentised_interval(SKEWED)


@pytest.mark.parametrize("seeds", [2, 3, 4])
def test_fewer_than_five_seeds_have_students_interval(seeds):
    values = SKEWED[-seeds:]
    expected = stats.t.interval(0.9, seeds - 1, values.mean(), stats.sem(values))
    found = studentised_interval(values, confidence=0.9)
    np.testing.assert_allclose(found, [values.mean(), *expected], rtol=1e-9)


def test_five_seeds_have_not():
    assert studentised_interval(SKEWED[:5]).low > stats.t.interval(0.95, 4, 0.45, stats.sem(SKEWED[:5]))[0]


@pytest.mark.parametrize("seeds", [2, 5, 9])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e9 / 3, 1e-300])
def test_equal_seeds_are_certain(value, seeds):
    assert studentised_interval(np.full(seeds, value)) == pytest.approx((value,) * 3, rel=1e-12)


def test_seeds_that_differ_a_little_are_not_equal():
    low, high = studentised_interval(1 + 1e-9 * SKEWED)[1:]
    assert high - low == pytest.approx(1e-9 * np.subtract(*studentised_interval(SKEWED)[:0:-1]), rel=1e-3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[0.0, 0, 0, 0, 1], [1.0, 1, 1, 0, 0, 1, 1], [0.0] * 9 + [1]])
def test_seeds_of_two_values_reach_as_far_as_students_interval_on_the_side_of_equal_resamples(values):
    """A third of the resamples may be all equal: left out, they would end the interval at the estimate."""
    mean, most = np.mean(values), np.median(values)
    student = stats.t.interval(0.95, len(values) - 1, mean, stats.sem(values))
    _, low, high = studentised_interval(values)
    if most < mean:
        assert high >= student[1] - 1e-12
    else:
        assert low <= student[0] + 1e-12


def test_covers_the_chance_of_a_coin():
    """Five tosses that are not all equal: left out, equal resamples would cost a third of the coverage."""
    tosses = np.random.default_rng(2).integers(2, size=(300, 5))
    uneven = [toss for toss in tosses if 0 < toss.sum() < 5]
    assert covered([studentised_interval(toss, resamples=999) for toss in uneven], 0.5) > 0.95


@pytest.mark.filterwarnings("error")
def test_a_resample_without_a_row_has_nothing_to_leave_out():
    """What is left of the sum 10 of five controls of 2 without the control of 10 would be zero."""
    rows = [[1.0, 2.0], [2.0, 2.0], [1.0, 2.0], [2.0, 2.0], [1.0, 10.0]]
    assert np.isfinite(studentised_interval(rows, np.divide)).all()
    assert np.isfinite(studentised_interval(rows, slope)).all()


@pytest.mark.filterwarnings("error")
def test_one_seed_has_no_interval():
    estimate, low, high = studentised_interval([3.0])
    assert estimate == 3
    assert np.isnan([low, high]).all()


@pytest.mark.filterwarnings("error")
def test_an_undefined_seed_leaves_the_interval_undefined():
    assert np.isnan(studentised_interval([1.0, 2.0, np.nan, 4.0, 5.0])).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [3, 6])
def test_an_undefined_estimate_has_no_interval(seeds):
    assert np.isnan(studentised_interval([[1.0, -2.0]] * (seeds - 1) + [[2.0, -1.0]], slope)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("diverged", [np.inf, -np.inf])
def test_a_diverged_seed_has_the_percentile_interval(diverged):
    values = np.append(SKEWED, diverged)
    found = studentised_interval(values, confidence=0.9, resamples=999, random_seed=4)
    assert found == percentile_interval(values, confidence=0.9, resamples=999, random_seed=4)
    assert found.estimate == diverged
    assert np.isfinite(found[1:]).sum() == 1


def test_a_diverged_seed_of_one_arm_makes_the_ratio_infinite():
    rows = np.stack([np.append(SKEWED, np.inf), np.full(7, 2.0)], -1)
    assert studentised_interval(rows, np.divide).high == np.inf
    assert studentised_interval(rows[:, ::-1], np.divide).low == 0
