"""Where the mean of new seeds is expected, and whether runs of the same seeds differ by more than chance."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # scipy.stats takes a second to import

Numbers = NDArray[np.float64]

LARGEST = 100.0
"""A mean of differences counts as no more of their standard deviations: rounded numbers may all be equal."""


def half_width(deviation: ArrayLike, n: ArrayLike, m: ArrayLike, confidence: float = 0.95) -> Numbers:
    r"""Half of the prediction interval of the mean of m new seeds, from n seeds that were measured.

    $$ t_{n-1,\, (1 + c) / 2} \; s \, \sqrt{1/n + 1/m} $$

    Args:
        deviation: s, the standard deviation over the n seeds, with n - 1 degrees of freedom.
        n: seeds that were measured; NaN where they are fewer than two.
        m: seeds that are new.
        confidence: c.

    >>> half_width(1.0, n=5, m=5).round(3)
    np.float64(1.756)
    """
    spread, old, new = (np.asarray(number, dtype=float) for number in (deviation, n, m))
    with np.errstate(divide="ignore", invalid="ignore"):
        quantile = special.stdtrit(np.where(old > 1, old - 1, np.nan), (1 + confidence) / 2)
        width: Numbers = quantile * spread * np.sqrt(1 / old + 1 / new)
    return width


def paired_chance(mean: ArrayLike, deviation: ArrayLike, n: ArrayLike) -> Numbers:
    """Two-sided chance of a mean difference at least as large, by the paired t test.

    Args:
        mean: of the differences of n paired seeds.
        deviation: their standard deviation, taken for a hundredth of the mean if it is less.
        n: seeds; NaN where they are fewer than two.

    >>> paired_chance([1.0, 1.0, 0.0], [1.0, 0.0, 0.0], 5).round(4)
    array([0.089, 0.   , 1.   ])
    """
    size, spread, seeds = (np.abs(np.asarray(number, dtype=float)) for number in (mean, deviation, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(size > 0, np.sqrt(seeds) * size / np.fmax(spread, size / LARGEST), 0.0)
        chance: Numbers = 2 * special.stdtr(np.where(seeds > 1, seeds - 1, np.nan), -statistic)
    return chance


def chance_of_most(chances: ArrayLike) -> float:
    r"""One chance of several tests that may depend on each other in any way: small if most of theirs are.

    Of N, the k-th smallest times N / k, with k the first beyond half of N: under the null hypothesis it is at
    most a with probability at most a.

    Source: Rüger 1978, "Das maximale Signifikanzniveau des Tests: Lehne H0 ab, wenn k unter n gegebenen Tests
        zur Ablehnung führen", Metrika 25.

    >>> round(chance_of_most([0.001, 0.002, 0.003, 0.9]), 6)
    0.004
    """
    ordered = np.sort(np.asarray(chances, dtype=float))
    k = len(ordered) // 2 + 1
    return float(min(1.0, ordered[k - 1] * len(ordered) / k))
