import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from information_cases import normal, pairs, permuted, rotation
from torch import Tensor

from movingtarget.measures.mutual_information.gaussian import gaussian_channel
from movingtarget.measures.mutual_information.pairwise import (
    BLOCK,
    Bounds,
    pairwise,
    pairwise_channel,
    pairwise_lower,
    pairwise_upper,
)
from movingtarget.theory.gaussian_information import block_information, linear_channel_information

SEEDS, NOISES = st.integers(0, 10_000), st.floats(0.01, 30)


def by_all_pairs(table: Tensor, noise: float) -> Bounds:
    """The formula as it stands."""
    differences = (table[:, None] - table).square().sum(-1)
    return Bounds(*(-(differences / (-c * noise**2)).exp().mean(1).log().mean().item() for c in (8, 2)))


@pytest.mark.parametrize("examples", [2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5])
def test_agrees_with_the_formula_over_all_pairs(examples: int) -> None:
    below, above = pairs(examples, 3, 0.8)
    x, y, both = (by_all_pairs(table, 0.4) for table in (below, above, torch.cat([below, above], 1)))
    lower, upper = pairwise(below, above, 0.4)
    assert lower.value == pytest.approx(max(0, x.lower + y.lower - both.upper), abs=1e-10)
    assert upper.value == pytest.approx(min(x.upper, y.upper, x.upper + y.upper - both.lower), abs=1e-10)
    assert pairwise_channel(below, 0.4) == pytest.approx(x, abs=1e-10)


@given(SEEDS, NOISES, st.integers(2, 40), st.integers(1, 4))
def test_lower_upper_and_the_number_of_examples(seed: int, noise: float, examples: int, columns: int) -> None:
    below, above = normal(examples, columns, seed=seed), normal(examples, 2, seed=seed + 1)
    lower, upper = pairwise(below, above, noise)
    assert 0 <= lower.value <= upper.value <= math.log(examples) + 1e-12
    assert lower.ceiling == upper.ceiling == pytest.approx(math.log(examples))
    bounds = pairwise_channel(below, noise)
    assert 0 <= bounds.lower <= bounds.upper <= math.log(examples) + 1e-12


@given(SEEDS, NOISES)
def test_rotations_and_offsets_do_not_matter(seed: int, noise: float) -> None:
    below, above = normal(30, 4, seed=seed), normal(30, 2, seed=seed + 1)
    turned = pairwise(below @ rotation(4, seed) + 3, above @ rotation(2, seed) - 1, noise)
    for found, expected in zip(turned, pairwise(below, above, noise), strict=True):
        assert found.value == pytest.approx(expected.value, abs=1e-9)


@given(SEEDS, NOISES)
def test_is_symmetric(seed: int, noise: float) -> None:
    below, above = normal(30, 4, seed=seed), normal(30, 2, seed=seed + 1)
    for found, expected in zip(pairwise(above, below, noise), pairwise(below, above, noise), strict=True):
        assert found.value == pytest.approx(expected.value, abs=1e-12)


@given(SEEDS, NOISES)
def test_both_are_one_computation(seed: int, noise: float) -> None:
    below, above = normal(20, 2, seed=seed), normal(20, 3, seed=seed + 1)
    assert pairwise(below, above, noise) == (
        pairwise_lower(below, above, noise),
        pairwise_upper(below, above, noise),
    )


@given(SEEDS, NOISES, st.floats(1.01, 10))
def test_more_noise_leaves_less_of_a_layer(seed: int, noise: float, factor: float) -> None:
    layer = normal(30, 3, seed=seed)
    more, less = pairwise_channel(layer, noise), pairwise_channel(layer, factor * noise)
    assert more.lower >= less.lower - 1e-12
    assert more.upper >= less.upper - 1e-12


@given(st.integers(2, 8), st.integers(1, 30))
def test_far_clusters_are_told_apart(clusters: int, size: int) -> None:
    layer = (1e3 * torch.arange(clusters)).repeat(size)
    for bound in pairwise_channel(layer, 1.0):
        assert bound == pytest.approx(math.log(clusters), abs=1e-9)
    for estimate in pairwise(layer, -layer, 1.0):
        assert estimate.value == pytest.approx(math.log(clusters), abs=1e-9)


@pytest.mark.parametrize("scale", [1e4, 1e9, 1e99])
def test_equal_examples_stay_equal_however_far_from_others(scale: float) -> None:
    points = scale * normal(10, 5)
    bounds = pairwise_channel(points.repeat(3, 1), 0.3 if scale < 1e50 else 1e-60)
    assert bounds == pytest.approx((math.log(10), math.log(10)), abs=1e-9)


@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_the_truth_of_gaussian_samples_lies_between(noise: float) -> None:
    below, above = pairs(2000, 2, 0.9)
    covariance = torch.eye(4).double() * (1 + noise**2)
    covariance[:2, 2:] = covariance[2:, :2] = 0.9 * torch.eye(2)
    lower, upper = pairwise(below, above, noise)
    assert not lower.saturated
    assert lower.value < block_information(covariance, 2).item() < upper.value


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_the_channel_of_a_linear_layer_lies_between(noise: float) -> None:
    weight = normal(3, 4, seed=3)
    layer = normal(2000, 4) @ weight.mT
    lower, upper = pairwise_channel(layer, noise)
    assert upper < math.log(2000) - 1  # not saturated
    assert lower < gaussian_channel(layer, noise) < upper
    assert lower < linear_channel_information(weight, noise).item() < upper


def clusters(examples: int, seed: int = 0) -> Tensor:
    """Two columns, each at one of two places that the noise leaves apart."""
    return 10 * normal(examples, 2, seed=seed).sign()


def test_permuted_pairs_share_nothing() -> None:
    below = clusters(1000)
    lower, upper = pairwise(below, -below, 1.0)
    assert lower.value == pytest.approx(2 * math.log(2), abs=0.02)
    assert upper.value == pytest.approx(2 * math.log(2), abs=0.02)
    # of 4 x 4 combinations of clusters by chance (4 - 1)^2 / (2 n)
    lower, upper = pairwise(below, permuted(below), 1.0)
    assert lower.value == pytest.approx(0, abs=0.01)
    assert upper.value == pytest.approx(0, abs=0.01)


def test_of_spread_samples_the_lower_bound_says_nothing() -> None:
    below, above = pairs(1000, 2, 0.95)
    assert pairwise_lower(below, above, 0.3).value == 0


def test_independent_parts_add_up() -> None:
    first, second = clusters(1000)[:, :1], clusters(1000, seed=1)[:, :1]
    both = torch.cat([first, second], 1)
    for estimator in (pairwise_lower, pairwise_upper):
        separate = estimator(first, first, 1.0).value + estimator(second, second, 1.0).value
        assert estimator(both, both, 1.0).value == pytest.approx(separate, abs=0.01)


def test_a_longer_way_tells_less() -> None:
    first = clusters(1000)
    flips = (normal(3, 1000, 2, seed=5) > -1.3).double() * 2 - 1
    layers = [first]
    for flip in flips:
        layers.append(layers[-1] * flip)
    for estimator in (pairwise_lower, pairwise_upper):
        values = [estimator(first, layer, 1.0).value for layer in layers]
        assert values == sorted(values, reverse=True)
        assert values[0] > 2 * values[-1] > 0


def test_saturation_is_said() -> None:
    below, above = pairs(300, 20, 0.9)
    assert all(estimate.saturated for estimate in pairwise(below, above, 0.1))
    assert not any(estimate.saturated for estimate in pairwise(below, above, 10))


def test_repeated_examples_lower_the_ceiling() -> None:
    below, above = (table.repeat(4, 1) for table in pairs(75, 20, 0.9))
    for estimate in pairwise(below, above, 0.1):
        assert estimate.ceiling == pytest.approx(math.log(75))
        assert estimate.saturated


@pytest.mark.parametrize("noise", [0, -1, math.nan, math.inf])
def test_noise_is_a_number_above_zero(noise: float) -> None:
    layer = normal(5, 2)
    for refused in (lambda: pairwise(layer, layer, noise), lambda: pairwise_channel(layer, noise)):
        with pytest.raises(ValueError, match=f"noise is {noise}; allowed: a finite number above 0"):
            refused()
