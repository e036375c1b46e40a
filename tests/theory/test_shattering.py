import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingtarget.theory.arc_cosine import gradient_correlation
from movingtarget.theory.shattering import (
    Moments,
    centred_residual_moments,
    feedforward_moments,
    highway_limit,
    highway_moments,
    residual_moments,
    scaled_residual_asymptote,
    scaled_residual_moments,
)

Weights = tuple[Sequence[float], Sequence[float]]  # of the stream and of the branch, in each layer

DEPTH, BETA = 3, 0.7


def normalised_weights(depth: int, beta: float, branch_variance: float) -> Weights:
    """Stream of variance v: the branch's gradient is scaled by beta / sqrt(v), block after block."""
    variance, branches = 1.0, []
    for _ in range(depth):
        branches.append(beta / math.sqrt(variance))
        variance += beta**2 * branch_variance
    return [1.0] * depth, branches


CASES: dict[str, tuple[Callable[[int], Moments], Callable[[int], Weights]]] = {
    "feedforward": (feedforward_moments, lambda depth: ([0.0] * depth, [1.0] * depth)),
    "residual": (residual_moments, lambda depth: ([1.0] * depth, [1.0] * depth)),
    "highway": (lambda depth: highway_moments(depth, 0.8, 0.6), lambda depth: ([0.8] * depth, [0.6] * depth)),
    "scaled": (
        lambda depth: scaled_residual_moments(depth, BETA),
        lambda depth: normalised_weights(depth, BETA, 1.0),
    ),
    "centred": (
        lambda depth: centred_residual_moments(depth, BETA),
        lambda depth: normalised_weights(depth, BETA, 1 - 1 / math.pi),
    ),
}


@pytest.mark.parametrize(("closed_form", "weights"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("depth", [0, 1, 2, 7, 50])
def test_recursion_from_the_gates(
    closed_form: Callable[[int], Moments], weights: Callable[[int], Weights], depth: int
) -> None:
    width, variance, covariance = 100, 1.0, 1.0
    for skip, branch in zip(*weights(depth), strict=True):
        # a sum over the units above of weight^2 gate gate' gradient gradient'
        variance = skip**2 * variance + branch**2 * width * (2 / width) * (1 / 2) * variance
        covariance = skip**2 * covariance + branch**2 * width * (2 / width) * (1 / 4) * covariance
    expected = [variance, covariance, covariance / variance]
    np.testing.assert_allclose(closed_form(depth), expected, rtol=1e-11)


@pytest.mark.parametrize(("closed_form", "weights"), CASES.values(), ids=CASES)
def test_networks_with_random_gates(
    closed_form: Callable[[int], Moments], weights: Callable[[int], Weights]
) -> None:
    width, draws = 20, 6000
    source = np.random.default_rng(0)
    gradients = np.ones((draws, width, 2))
    for skip, branch in zip(*weights(DEPTH), strict=True):
        matrices = source.standard_normal((draws, width, width), dtype=np.float32) * math.sqrt(2 / width)
        active = source.random(gradients.shape) < 1 / 2
        gradients = skip * gradients + branch * active * (matrices @ gradients)
    powers, products = (gradients**2).mean((1, 2)), gradients.prod(-1).mean(1)
    moments = closed_form(DEPTH)
    for found, expected in ((powers, moments.variance), (products, moments.covariance)):
        standard_error = found.std() / math.sqrt(draws)
        assert found.mean() == pytest.approx(expected, abs=4 * standard_error)
        assert expected > 20 * standard_error
    assert products.mean() / powers.mean() == pytest.approx(moments.correlation, rel=0.1)


def test_values_of_the_paper() -> None:
    np.testing.assert_allclose(feedforward_moments(3), [1, 1 / 8, 1 / 8], rtol=1e-12)
    np.testing.assert_allclose(residual_moments(3), [8, 27 / 8, 27 / 64], rtol=1e-12)
    np.testing.assert_allclose(scaled_residual_asymptote(25, 0.5), [7, 2.5, 0.4], rtol=1e-12)
    np.testing.assert_allclose(highway_moments(2, 0.6, 0.8), [1, 0.68**2, 0.68**2], rtol=1e-12)


def test_the_asymptote_exceeds_one_where_the_product_cannot() -> None:
    assert scaled_residual_asymptote(50, 0.1).correlation == pytest.approx(math.sqrt(2))
    assert scaled_residual_moments(50, 0.1).correlation == pytest.approx(0.8169, abs=1e-4)


def test_products_approach_the_asymptote() -> None:
    exact, stated = scaled_residual_moments(10**7, 0.1), scaled_residual_asymptote(10**7, 0.1)
    # Gamma(a) sqrt(a) / Gamma(a + 1/2) = 1 + 1 / 8a, at a = 100; and (a + K) / K
    np.testing.assert_allclose(exact.covariance / stated.covariance, 1 + 1 / 800, rtol=1e-4)
    np.testing.assert_allclose(exact.variance / stated.variance, 1, rtol=1e-4)
    np.testing.assert_allclose(exact.correlation / stated.correlation, 1 + 1 / 800, rtol=1e-4)


def test_centring_steepens_the_decay() -> None:
    slopes = [
        math.log10(moments(10**7, 1.0).correlation / moments(10**6, 1.0).correlation)
        for moments in (scaled_residual_moments, centred_residual_moments)
    ]
    np.testing.assert_allclose(slopes, [-1 / 2, -1 / (2 * (1 - 1 / math.pi))], atol=1e-4)


def test_centred_product_is_the_uncorrelated_case_of_the_arc_cosine_recursion() -> None:
    for depth in (1, 10, 50):
        expected = gradient_correlation("residual", "batch-norm", depth)
        assert centred_residual_moments(depth, 1.0).correlation == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("beta", [1e-6, 1e-4, 1e-2, 1.0, 30.0])
@pytest.mark.parametrize("branch_variance", [1.0, 1 - 1 / math.pi])
def test_products_keep_their_digits(beta: float, branch_variance: float) -> None:
    moments = scaled_residual_moments if branch_variance == 1 else centred_residual_moments
    stream = 1 + beta**2 * branch_variance * np.arange(5000)
    expected = [np.prod(1 + beta**2 / stream), np.prod(1 + beta**2 / (2 * stream))]
    np.testing.assert_allclose(moments(5000, beta)[:2], expected, rtol=1e-10)


def test_highway_limit() -> None:
    depths = np.array([10, 100, 10**6])
    gaps = np.abs(
        highway_moments(depths, np.sqrt(1 - 1 / depths), np.sqrt(1 / depths)).correlation - highway_limit()
    )
    assert np.all(np.diff(gaps) < 0)
    assert gaps[-1] < 1e-6


@pytest.mark.parametrize("closed_form", [case[0] for case in CASES.values()], ids=CASES)
def test_shapes_are_kept(closed_form: Callable[..., Moments]) -> None:
    depths = np.arange(6).reshape(2, 3)
    together = closed_form(depths)
    for row, column in np.ndindex(2, 3):
        alone = closed_form(int(depths[row, column]))
        np.testing.assert_allclose([field[row, column] for field in together], alone, rtol=1e-12)
    assert [field.shape for field in together] == [(2, 3)] * 3


def test_the_asymptote_keeps_shapes() -> None:
    together = scaled_residual_asymptote(np.array([[1], [4]]), np.array([0.5, 1.0, 2.0]))
    np.testing.assert_allclose(together.correlation, [[2, 1, 0.5], [1, 0.5, 0.25]])
    assert [field.shape for field in together] == [(2, 3)] * 3


@given(blocks=st.integers(1, 10**6), beta=st.floats(1e-3, 10))
def test_correlations_lie_between_shattered_and_whole(blocks: int, beta: float) -> None:
    centred, scaled = centred_residual_moments(blocks, beta), scaled_residual_moments(blocks, beta)
    assert 0 < centred.correlation <= scaled.correlation * (1 + 1e-9)
    assert scaled.correlation < 1


def test_errors() -> None:
    for moments in (feedforward_moments, residual_moments):
        with pytest.raises(ValueError, match="depth must be at least 0, not -1"):
            moments(-1)
    with pytest.raises(ValueError, match="depth must be at least 0, not -3"):
        highway_moments([2, -3], 0.6, 0.8)
    with pytest.raises(ValueError, match=r"skip\^2 \+ branch\^2 must be 1, not 2"):
        highway_moments(3, 1, 1)
    with pytest.raises(ValueError, match="blocks must be at least 1, not 0"):
        scaled_residual_asymptote(0, 1.0)
    for products in (scaled_residual_moments, centred_residual_moments):
        with pytest.raises(ValueError, match="blocks must be at least 0, not -1"):
            products(-1, 1.0)
    for scaled in (scaled_residual_asymptote, scaled_residual_moments, centred_residual_moments):
        for beta in (0.0, -0.5, math.nan):
            with pytest.raises(ValueError, match=f"beta must be above 0, not {beta:g}"):
                scaled(5, beta)
