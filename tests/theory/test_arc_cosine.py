import math

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from movingtarget.theory.arc_cosine import (
    NETWORKS,
    NORMALISATIONS,
    co_activation,
    correlations,
    gradient_correlation,
    kappa0,
    kappa1,
)

INSIDE = [-0.95, -0.4, 0.0, 0.3, 0.7, 0.99]


def half_line_integral(correlation: float, order: int) -> float:
    """Expectation of x^order y^order over the quadrant x, y > 0 of a bivariate normal (order 0 or 1)."""
    rest = math.sqrt(1 - correlation**2)

    def height(x: float) -> float:
        mean = correlation * x
        active = norm.cdf(mean / rest)
        inner = active if order == 0 else mean * active + rest * norm.pdf(mean / rest)
        return float(norm.pdf(x) * x**order * inner)

    return float(scipy.integrate.quad(height, 0, 12, epsabs=1e-12)[0])


@pytest.mark.parametrize("correlation", INSIDE)
def test_kernels_by_numerical_integration(correlation: float) -> None:
    both = half_line_integral(correlation, 0)
    assert co_activation(correlation) == pytest.approx(both, abs=1e-9)
    assert kappa0(correlation) == pytest.approx(2 * both, abs=1e-9)
    assert kappa1(correlation) == pytest.approx(2 * half_line_integral(correlation, 1), abs=1e-9)


@pytest.mark.parametrize("correlation", INSIDE)
def test_kernels_by_monte_carlo(correlation: float) -> None:
    covariance = [[1, correlation], [correlation, 1]]
    draws = np.random.default_rng(0).multivariate_normal([0, 0], covariance, 100_000)
    # 5 standard errors of a mean of 100 000 products, whose deviation is below 2.3
    assert co_activation(correlation) == pytest.approx((draws > 0).all(-1).mean(), abs=0.008)
    assert kappa1(correlation) == pytest.approx(2 * np.maximum(draws, 0).prod(-1).mean(), abs=0.036)


def test_ends_and_middle() -> None:
    np.testing.assert_allclose(kappa0([-1, 0, 1]), [0, 1 / 2, 1], atol=1e-12)
    np.testing.assert_allclose(kappa1([-1, 0, 1]), [0, 1 / np.pi, 1], atol=1e-12)
    np.testing.assert_allclose(co_activation([-1, 0, 1]), [0, 1 / 4, 1 / 2], atol=1e-12)


@given(correlation=st.floats(-0.999, 0.999))
def test_order_0_is_the_slope_of_order_1(correlation: float) -> None:
    slope = (kappa1(correlation + 1e-5) - kappa1(correlation - 1e-5)) / 2e-5
    assert slope == pytest.approx(kappa0(correlation), abs=1e-5)


@pytest.mark.parametrize("kernel", [kappa0, kappa1, co_activation])
def test_shapes_are_kept(kernel) -> None:  # type: ignore[no-untyped-def]
    grid = np.linspace(-1, 1, 6).reshape(2, 3)
    alone = [[kernel(value) for value in row] for row in grid]
    np.testing.assert_array_equal(kernel(grid), alone)


@pytest.mark.parametrize("kernel", [kappa0, kappa1, co_activation])
@pytest.mark.parametrize("wrong", [1.1, -1.1, math.nan, [0.0, 2.0]])
def test_no_correlation(kernel, wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"correlation must lie in -1 \.\. 1, not (-?1\.1|nan|2)$"):
        kernel(wrong)


def normalised(
    stream: NDArray[np.float64], normalisation: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The stream `(units, inputs)` after normalisation over inputs, and the scale it was divided by."""
    scale = stream.std(1, keepdims=True) if normalisation == "batch-norm" else np.ones((len(stream), 1))
    mean = 0.0 if normalisation == "none" else stream.mean(1, keepdims=True)
    return (stream - mean) / scale, scale


def pair_products(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean products, over units and pairs, of the two inputs of a pair and of each with itself."""
    first, second = np.split(values, 2, axis=1)
    return np.array([(first * second).mean(), (first**2).mean(), (second**2).mean()])


def random_network(
    network: str, normalisation: str, depth: int, start: float, seed: int
) -> NDArray[np.float64]:
    """Pair products `(depth + 2, 3)` after layers 0 .. depth, then of the gradients."""
    width, pairs, skip = 400, 250, float(network == "residual")
    source = np.random.default_rng(seed)
    first, other = source.standard_normal((2, width, pairs))
    stream = np.concatenate([first, start * first + math.sqrt(1 - start**2) * other], 1)
    products, layers = [], []
    for _ in range(depth):
        gated, scale = normalised(stream, normalisation)
        weight = source.standard_normal((width, width)) * math.sqrt(2 / width)
        products.append(pair_products(gated))
        layers.append((weight, gated > 0, scale))
        stream = skip * stream + weight @ np.maximum(gated, 0)
    products.append(pair_products(normalised(stream, normalisation)[0]))
    gradient = np.repeat(source.standard_normal((width, 1)), 2 * pairs, axis=1)
    for weight, active, scale in reversed(layers):
        gradient = skip * gradient + active * (weight.T @ gradient) / scale
    return np.array([*products, pair_products(gradient)])


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("start", [0.0, 0.8])
def test_against_wide_random_networks(network: str, normalisation: str, start: float) -> None:
    networks = [random_network(network, normalisation, 4, start, seed) for seed in range(8)]
    across, first, second = np.mean(networks, 0).T
    found = across / np.sqrt(first * second)
    # 8 networks of 400 units: deviations of order 1 / sqrt(3200) a layer, and a batch of 500 inputs only
    np.testing.assert_allclose(correlations(network, normalisation, 4, start), found[:-1], atol=0.03)
    assert gradient_correlation(network, normalisation, 4, start) == pytest.approx(found[-1], abs=0.03)


def test_first_steps_by_hand() -> None:
    kernel = (math.sqrt(3) / 2 + (2 * math.pi / 3) / 2) / math.pi  # kappa1 at 60 degrees
    mean = 1 / math.pi
    expected = {
        ("feedforward", "none"): kernel,
        ("feedforward", "centred"): (kernel - mean) / (1 - mean),
        ("feedforward", "batch-norm"): (kernel - mean) / (1 - mean),
        ("residual", "none"): (0.5 + kernel) / 2,
        ("residual", "centred"): (0.5 + kernel - mean) / (2 - mean),
        ("residual", "batch-norm"): (0.5 + kernel - mean) / (2 - mean),
    }
    for (network, normalisation), after in expected.items():
        np.testing.assert_allclose(correlations(network, normalisation, 1, 0.5), [0.5, after], rtol=1e-12)


def test_gates_of_a_layer_see_the_correlation_below_it() -> None:
    assert gradient_correlation("feedforward", "none", 1, 0.5) == pytest.approx(2 / 3)
    assert gradient_correlation("residual", "none", 1, 0.5) == pytest.approx(5 / 6)
    second = 1 - math.acos(1 / math.pi) / math.pi
    assert gradient_correlation("feedforward", "none", 2) == pytest.approx(second / 2)


def test_normalised_networks_stay_uncorrelated() -> None:
    for network in NETWORKS:
        for normalisation in ("centred", "batch-norm"):
            np.testing.assert_allclose(correlations(network, normalisation, 50), np.zeros(51), atol=1e-12)
    assert gradient_correlation("feedforward", "batch-norm", 20) == pytest.approx(2.0**-20)
    assert gradient_correlation("residual", "centred", 20) == pytest.approx(0.75**20)


def test_without_normalisation_inputs_merge_and_gradients_decay_as_a_power() -> None:
    # 1 - kappa1 is (2 sqrt(2) / 3 pi)(1 - rho)^(3/2) near rho = 1, so 1 - rho is 9 pi^2 / 2 l^2 at large l
    # and a gate's factor 1 - sqrt(2 (1 - rho)) / pi is 1 - 3 / l: R decays as l^-3, not as 2^-l
    gap = 1 - correlations("feedforward", "none", 4000)[-1]
    assert gap == pytest.approx(9 * np.pi**2 / 2 / 4000**2, rel=0.05)
    ratio = gradient_correlation("feedforward", "none", 4000) / gradient_correlation(
        "feedforward", "none", 2000
    )
    assert math.log2(ratio) == pytest.approx(-3, abs=0.1)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("network", NETWORKS)
def test_equal_inputs_stay_equal(network: str, normalisation: str) -> None:
    np.testing.assert_allclose(correlations(network, normalisation, 30, 1.0), np.ones(31), atol=1e-12)
    assert gradient_correlation(network, normalisation, 30, 1.0) == pytest.approx(1, abs=1e-5)


@given(
    network=st.sampled_from(NETWORKS),
    normalisation=st.sampled_from(NORMALISATIONS),
    depth=st.integers(0, 60),
    start=st.floats(-1, 1),
)
def test_bounds(network: str, normalisation: str, depth: int, start: float) -> None:
    path = correlations(network, normalisation, depth, start)
    assert path.shape == (depth + 1,)
    assert path[0] == start
    assert np.all(np.abs(path) <= 1)
    assert 0 <= gradient_correlation(network, normalisation, depth, start) <= 1


@pytest.mark.parametrize("function", [correlations, gradient_correlation])
def test_errors(function) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="network must be one of feedforward, residual, not 'highway'"):
        function("highway", "none", 3)
    with pytest.raises(ValueError, match=r"normalisation must be one of .*, not 'layer-norm'"):
        function("residual", "layer-norm", 3)
    with pytest.raises(ValueError, match="depth must be at least 0, not -1"):
        function("residual", "none", -1)
    with pytest.raises(ValueError, match=r"start must lie in -1 \.\. 1, not 1\.5"):
        function("feedforward", "none", 0, 1.5)
