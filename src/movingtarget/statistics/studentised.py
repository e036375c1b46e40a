"""Studentised bootstrap intervals of what is made of means over seeds."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # scipy.stats takes a second to import

from movingtarget.statistics.bootstrap import Interval, bootstrap_interval

FEWEST = 5
"""Fewer seeds have too few resamples for a distribution: their interval is Student's."""

ROUNDING = 1e-13
"""Standard errors up to this share of an estimate are those of equal seeds."""


def studentised_interval(
    values: ArrayLike,
    combine: Callable[..., NDArray[np.float64]] = np.asarray,
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    random_seed: int = 0,
) -> Interval:
    r"""Bootstrap-t interval of a function of the means of columns, whose rows are independent seeds.

    With the estimate $\hat\theta = f(\bar x_1, \dots, \bar x_k)$ and its jackknife standard error $\hat s$,
    and both anew, starred, in each resample of the rows,

    $$ \left[ \hat\theta - q_{1 - \alpha/2}\, \hat s, \; \hat\theta - q_{\alpha/2}\, \hat s \right], \quad
       q_p \text{ the quantiles of } (\hat\theta^* - \hat\theta) / \hat s^*. $$

    So skewness widens the interval on the side where seeds are rare, which a percentile interval gets the
    wrong way round. A resample of equal seeds, whose standard error is zero, stands beyond all others on its
    side, and at least at Student's quantile: left out, it would cut off the end of seeds with few values.

    Args:
        values: `(seeds, k)`, or `(seeds,)` for one column; a row holds what is paired by seed.
        combine: f, of k arrays of means of any one shape.
        confidence: 1 - alpha, the coverage asked for.
        resamples: number of resamples.
        random_seed: seed of the resampling.

    Returns:
        The estimate and its interval. Where some value is infinite there is no standard error: the interval
        is then the percentile interval of `bootstrap_interval`. NaN for a single seed, or if the estimate is.

    Source: Hall 1988, "Theoretical comparison of bootstrap confidence intervals", Annals of Statistics 16(3).

    >>> losses = np.array([0.2, 0.3, 0.4, 0.5, 0.9])
    >>> estimate, low, high = studentised_interval(losses)
    >>> round(estimate, 6), high - estimate > estimate - low
    (0.46, True)
    >>> studentised_interval([[2.0, 1.0], [4.0, 2.0], [6.0, 3.0]], np.divide)
    Interval(estimate=2.0, low=2.0, high=2.0)
    """
    table = np.asarray(values, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    seeds = len(table)
    with np.errstate(all="ignore"):
        if seeds < 2 or not np.isfinite(table).all():
            return bootstrap_interval(
                lambda rows: combine(*np.moveaxis(table[rows].mean(-2), -1, 0)),
                seeds,
                confidence=confidence,
                resamples=resamples,
                random_seed=random_seed,
            )
        once = np.ones((1, seeds))
        estimate, error = (float(value[0]) for value in _with_error(table, once, combine))
        if error <= ROUNDING * abs(estimate):
            return Interval(estimate, estimate, estimate)
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        low, high = special.stdtrit(seeds - 1, tails)
        if seeds >= FEWEST:
            resampled = _with_error(table, _counts(seeds, resamples, random_seed), combine)
            low, high = np.quantile(_pivots(*resampled, estimate, low, high), tails)
    return Interval(estimate, float(estimate - high * error), float(estimate - low * error))


def _pivots(
    estimates: NDArray[np.float64], errors: NDArray[np.float64], estimate: float, low: float, high: float
) -> NDArray[np.float64]:
    """Studentised resamples; without an error, the furthest on their side, at least `low` and `high`."""
    shifts, rounding = estimates - estimate, ROUNDING * np.abs(estimates)
    certain = errors <= rounding
    pivots = np.divide(shifts, errors, where=~certain, out=np.zeros_like(shifts))
    low, high = np.fmin.reduce(pivots, initial=low), np.fmax.reduce(pivots, initial=high)
    pivots[certain & (shifts < -rounding)] = low
    pivots[certain & (shifts > rounding)] = high
    return pivots


def _with_error(
    table: NDArray[np.float64], counts: NDArray[np.float64], combine: Callable[..., NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimate and jackknife standard error of each resample, given how often it holds each row."""
    seeds = len(table)
    totals = counts @ table
    without = (totals[:, None, :] - table) / (seeds - 1)
    left_out = np.where(counts > 0, combine(*np.moveaxis(without, -1, 0)), 0)  # no row that is not there
    centre = (counts * left_out).sum(-1, keepdims=True) / seeds
    spread = (counts * (left_out - centre) ** 2).sum(-1)
    return combine(*(totals / seeds).T), np.sqrt(spread * (seeds - 1) / seeds)


@lru_cache(maxsize=8)
def _counts(seeds: int, resamples: int, random_seed: int) -> NDArray[np.float64]:
    """How often each resample holds each seed, `(resamples, seeds)`."""
    drawn = np.random.default_rng(random_seed).integers(seeds, size=(resamples, seeds))
    places = drawn + seeds * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=resamples * seeds).reshape(resamples, seeds).astype(float)
