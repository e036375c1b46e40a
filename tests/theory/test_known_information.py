"""Known information, by other ways to the same numbers."""

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from movingtarget.theory.gaussian_information import block_information
from movingtarget.theory.known_information import (
    decaying_variances,
    read_twice,
    read_with_magnitude,
    uniform_with_uniform_noise,
)


@given(units=st.integers(1, 6), noise=st.floats(0.1, 10), seed=st.integers(0, 2**31))
def test_two_readings_of_a_layer_whichever_way_it_is_turned(units: int, noise: float, seed: int) -> None:
    source = np.random.default_rng(seed)
    factor = source.standard_normal((units, units + 2))
    covariance = factor @ factor.T
    rotation = np.linalg.qr(source.standard_normal((units, units)))[0]
    channel = noise**2 * np.eye(units)
    joint = np.block(
        [
            [covariance + channel, covariance @ rotation],
            [rotation.T @ covariance, rotation.T @ covariance @ rotation + channel],
        ]
    )
    expected = block_information(torch.from_numpy(joint), units).item()
    assert read_twice(np.linalg.eigvalsh(covariance), noise) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(noise=st.floats(0.01, 100))
def test_a_unit_of_unit_size(noise: float) -> None:
    expected = -math.log(1 - 1 / (1 + noise**2) ** 2) / 2
    assert read_twice([1.0], noise) == pytest.approx(expected, rel=1e-9)


@given(first=st.lists(st.floats(0.1, 10), min_size=1, max_size=4), noise=st.floats(0.1, 3))
def test_information_of_independent_units_adds_up(first: list[float], noise: float) -> None:
    each = sum(read_twice([variance], noise) for variance in first)
    assert read_twice(first, noise) == pytest.approx(each, rel=1e-9)


@pytest.mark.parametrize("units", [1, 4, 48])
def test_variances_fall_as_the_harmonic_series(units: int) -> None:
    variances = decaying_variances(units)
    assert variances.mean() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(variances * np.arange(1, units + 1), variances[0], rtol=1e-12)


def magnitude(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """|x| of a standard normal x, at unit deviation, by the half-normal distribution's moments."""
    return (np.abs(x) - scipy.stats.halfnorm.mean()) / scipy.stats.halfnorm.std()


@pytest.mark.parametrize("noise", [0.2, 0.5, 1.5])
def test_readings_with_the_magnitude_by_monte_carlo(noise: float) -> None:
    """The densities by brute force, over a grid of the hidden x."""
    source, normal = np.random.default_rng(0), scipy.stats.norm
    hidden = source.standard_normal(4000)
    x = hidden + noise * source.standard_normal(4000)
    y = magnitude(hidden) + noise * source.standard_normal(4000)
    grid = np.linspace(-7, 7, 701)
    weight = normal.pdf(grid) * (grid[1] - grid[0])
    of_x = normal.pdf(x[:, None], grid, noise)
    of_y = normal.pdf(y[:, None], magnitude(grid), noise)
    ratios = np.log((of_x * of_y) @ weight) - np.log(of_x @ weight) - np.log(of_y @ weight)
    error = ratios.std() / len(ratios) ** 0.5
    assert read_with_magnitude(noise) == pytest.approx(ratios.mean(), abs=4 * error)
    assert error < 0.02


@pytest.mark.parametrize("noise", [0.3, 0.7])
def test_readings_with_the_magnitude_by_brute_force(noise: float) -> None:
    """Sums over a grid of the hidden x, none of whose points is at the kink, and of both readings."""
    normal = scipy.stats.norm
    hidden = (np.arange(-4000, 4000) + 0.5) / 500
    x, y = np.arange(-8, 8, noise / 2), np.arange(-6, 13, noise / 2)
    weight = normal.pdf(hidden) / 500
    joint = (normal.pdf(x[:, None], hidden, noise) * weight) @ normal.pdf(
        y, magnitude(hidden)[:, None], noise
    )
    area = (noise / 2) ** 2
    shares = joint * area
    expected = scipy.special.rel_entr(shares, np.outer(shares.sum(1), shares.sum(0))).sum()
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    assert read_with_magnitude(noise) == pytest.approx(expected, abs=1e-5)


def test_readings_with_the_magnitude_tell_less_than_one_clean_side_and_less_with_more_noise() -> None:
    noises = [0.05, 0.1, 0.3, 1.0, 3.0]
    found = [read_with_magnitude(noise) for noise in noises]
    assert found == sorted(found, reverse=True)
    for value, noise in zip(found, noises, strict=True):
        assert 0 < value < math.log(1 + 1 / noise**2) / 2


@pytest.mark.parametrize("half_width", [0.01, 0.3, 0.5, 0.8, 3.0])
def test_uniform_noise_by_the_entropy_of_a_trapezium(half_width: float) -> None:
    def minus_p_log_p(y: float) -> float:
        overlap = min(1.0, y + half_width) - max(0.0, y - half_width)
        density = overlap / (2 * half_width)
        return -density * math.log(density) if density > 0 else 0.0

    corners = sorted([-half_width, half_width, 1 - half_width, 1 + half_width])
    entropy = sum(scipy.integrate.quad(minus_p_log_p, *ends)[0] for ends in pairwise(corners))
    expected = entropy - math.log(2 * half_width)
    assert uniform_with_uniform_noise(half_width) == pytest.approx(expected, abs=1e-7)
