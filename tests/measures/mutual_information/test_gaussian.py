import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from information_cases import blocks, normal, pairs, pairs_information, permuted, rotation, side_by_side

from movingtarget.measures.mutual_information.gaussian import gaussian, gaussian_channel
from movingtarget.theory.gaussian_information import block_information, linear_channel_information

COLUMNS, SEEDS = st.integers(1, 6), st.integers(0, 10_000)


def means(values: list[float]) -> tuple[float, float]:
    """The mean and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))


@given(COLUMNS, COLUMNS, SEEDS)
def test_is_the_information_of_the_sample_covariance_less_the_bias(
    first: int, second: int, seed: int
) -> None:
    both = normal(40, first + second, seed=seed) @ normal(first + second, first + second, seed=1)
    found = gaussian(both[:, :first], both[:, first:])
    expected = block_information(both.T.cov(), first).item()
    assert found.value + found.bias == pytest.approx(expected, abs=1e-8)
    assert found.ceiling == math.inf
    assert not found.saturated


@given(COLUMNS, COLUMNS, SEEDS)
def test_invertible_linear_maps_do_not_matter(first: int, second: int, seed: int) -> None:
    below, above = normal(60, first, seed=seed), normal(60, second, seed=seed + 1)
    above[:, 0] += below[:, 0]
    maps = [
        rotation(size, seed) * torch.linspace(0.1, 10, size, dtype=torch.double) for size in (first, second)
    ]
    mapped = gaussian(below @ maps[0] + 5, above @ maps[1] - 3)
    assert mapped.value == pytest.approx(gaussian(below, above).value, abs=1e-9)


@given(COLUMNS, COLUMNS, SEEDS)
def test_is_symmetric(first: int, second: int, seed: int) -> None:
    below, above = normal(30, first, seed=seed), normal(30, second, seed=seed + 1)
    assert gaussian(below, above).value == pytest.approx(gaussian(above, below).value, abs=1e-10)


@given(SEEDS)
def test_the_order_of_the_examples_does_not_matter(seed: int) -> None:
    below, above, _ = blocks(50, seed)
    assert gaussian(permuted(below, seed), permuted(above, seed)).value == pytest.approx(
        gaussian(below, above).value, abs=1e-10
    )


def test_unbiased_over_many_small_samples_where_the_plug_in_is_not() -> None:
    found = [gaussian(*pairs(80, 12, 0.7, seed)) for seed in range(300)]
    truth = pairs_information(12, 0.7)
    mean, error = means([estimate.value for estimate in found])
    assert mean == pytest.approx(truth, abs=4 * error)
    assert error < 0.1
    plug_in, _ = means([estimate.value + estimate.bias for estimate in found])
    assert plug_in > truth + 12 * 12 / (2 * 80)  # the leading term of the bias


@pytest.mark.parametrize(("first", "second"), [(1, 1), (4, 7)])
def test_the_bias_is_the_product_of_columns_over_twice_the_examples(first: int, second: int) -> None:
    below, above = normal(100_000, first), normal(100_000, second, seed=1)
    assert gaussian(below, above).bias == pytest.approx(first * second / 200_000, rel=1e-3)


def test_gaussian_blocks() -> None:
    below, above, covariance = blocks(20_000)
    truth = block_information(covariance, 3).item()
    assert truth > 0.3
    assert gaussian(below, above).value == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize(("columns", "correlation"), [(1, 0.5), (8, 0.9), (32, 0.7)])
def test_independent_pairs(columns: int, correlation: float) -> None:
    # the standard error is about correlation sqrt(columns / n), 0.03 at most
    found = gaussian(*pairs(20_000, columns, correlation)).value
    assert found == pytest.approx(pairs_information(columns, correlation), abs=0.1)


def test_permuted_pairs_share_nothing() -> None:
    values = []
    for seed in range(200):
        below, above = pairs(80, 5, 0.9, seed)
        values.append(gaussian(below, permuted(above, seed)).value)
    mean, error = means(values)
    assert mean == pytest.approx(0, abs=4 * error)
    assert error < 0.03


def test_independent_parts_add_up() -> None:
    first, second = pairs(20_000, 3, 0.6, seed=1), blocks(20_000, seed=2)[:2]
    both = side_by_side(first, second)
    separate = gaussian(*first).value + gaussian(*second).value
    assert gaussian(*both).value == pytest.approx(separate, abs=0.01)


def test_a_longer_way_tells_less() -> None:
    first = normal(20_000, 3)
    layers = [first]
    for step in range(1, 4):
        layers.append(layers[-1] @ rotation(3, step) + normal(20_000, 3, seed=step))
    values = [gaussian(first, layer).value for layer in layers[1:]]
    assert values == sorted(values, reverse=True)
    assert values[0] > 2 * values[-1] > 0


def test_only_linear_relations_count() -> None:
    below = normal(20_000, 1)
    assert gaussian(below, below.abs()).value == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("scale", [1e-250, 1e-150, 1e-8, 1e90])
def test_scales_lose_nothing(scale: float) -> None:
    below, above = pairs(100, 2, 0.5)
    assert gaussian(scale * below, above).value == pytest.approx(gaussian(below, above).value, abs=1e-9)


def test_a_common_offset_loses_little() -> None:
    below, above = pairs(100, 2, 0.5)
    assert gaussian(below + 1e8, above).value == pytest.approx(gaussian(below, above).value, abs=1e-6)


def test_as_many_columns_as_examples_are_an_error() -> None:
    with pytest.raises(ValueError, match="8 examples for 8 columns; allowed: more examples"):
        gaussian(normal(8, 5), normal(8, 3))
    assert math.isfinite(gaussian(normal(9, 5), normal(9, 3, seed=1)).value)


def test_what_follows_linearly_is_said_of_whom() -> None:
    below, above = normal(50, 3), normal(50, 2, seed=1)
    with pytest.raises(ValueError, match="below has columns that follow linearly from its others"):
        gaussian(torch.cat([below, below[:, :1] + below[:, 1:2]], 1), above)
    with pytest.raises(ValueError, match="above has columns that follow linearly from its others"):
        gaussian(below, torch.cat([above, 3 * above[:, :1]], 1))
    with pytest.raises(
        ValueError, match="follow linearly from those of below, so that the information is inf"
    ):
        gaussian(below, torch.cat([above, below @ normal(3, 1)], 1))


@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_channel_of_a_linear_layer(noise: float) -> None:
    weight = normal(4, 6, seed=3)
    layer = normal(20_000, 6) @ weight.mT
    truth = linear_channel_information(weight, noise).item()
    assert gaussian_channel(layer, noise) == pytest.approx(truth, abs=0.05)


def test_channel_tells_most_of_an_orthogonal_layer() -> None:
    inputs, orthogonal = normal(20_000, 4), 2 * rotation(4)
    most = gaussian_channel(inputs @ orthogonal.mT, 0.5)
    for seed in range(20):
        weight = normal(4, 4, seed=seed)
        weight *= orthogonal.norm() / weight.norm()
        assert gaussian_channel(inputs @ weight.mT, 0.5) < most


@given(SEEDS, st.floats(0.01, 10))
def test_channel_agrees_with_a_noisy_pair(seed: int, noise: float) -> None:
    layer = normal(30, 3, seed=seed)
    variances = np.linalg.eigvalsh(np.cov(layer.numpy().T))
    assert gaussian_channel(layer, noise) == pytest.approx(np.log1p(variances / noise**2).sum() / 2)


@pytest.mark.parametrize("noise", [0, -1, math.nan, math.inf])
def test_channel_wants_noise(noise: float) -> None:
    with pytest.raises(ValueError, match=f"noise is {noise}; allowed: a finite number above 0"):
        gaussian_channel(normal(5, 2), noise)
