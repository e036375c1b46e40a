import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from information_cases import (
    blocks,
    blurred,
    blurred_information,
    normal,
    pairs,
    pairs_information,
    permuted,
    rotation,
    side_by_side,
)
from numpy.typing import NDArray
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression

from movingtarget.measures.mutual_information.channel import scaled
from movingtarget.measures.mutual_information.copula import copula
from movingtarget.measures.mutual_information.gaussian import gaussian
from movingtarget.measures.mutual_information.nearest_neighbours import (
    FEW_COLUMNS,
    nearest_neighbours,
    nearest_neighbours_of_components,
)
from movingtarget.theory.gaussian_information import block_information

SEEDS, COLUMNS = st.integers(0, 10_000), st.integers(1, 8)


def by_loops(below: NDArray[np.float64], above: NDArray[np.float64], neighbours: int) -> float:
    """The formula, example by example."""
    examples, total = len(below), 0.0
    for own in range(examples):
        others = np.arange(examples) != own
        x, y = (np.abs(table[others] - table[own]).max(1) for table in (below, above))
        radius = np.sort(np.maximum(x, y))[neighbours - 1]
        total += sum(digamma((side < radius).sum() + 1) for side in (x, y))
    return float(digamma(neighbours) + digamma(examples) - total / examples)


@given(SEEDS, COLUMNS, COLUMNS, st.integers(1, 5))
def test_agrees_with_the_formula_for_few_columns_and_many(
    seed: int, first: int, second: int, neighbours: int
) -> None:
    tables = normal(30, first, seed=seed), normal(30, second, seed=seed + 1)
    below, above = (scaled(table, "deviation") for table in tables)
    found = nearest_neighbours(below, above, neighbours)
    assert found.value == pytest.approx(by_loops(below.numpy(), above.numpy(), neighbours), abs=1e-9)


def test_those_columns_are_few_and_many() -> None:
    assert 2 <= FEW_COLUMNS < 16


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed: int) -> None:
    # scikit-learn adds noise of 1e-10 of the deviation, which here changes the order of no distances
    below, above = pairs(500, 1, 0.8, seed)
    theirs = mutual_info_regression(100 * below.numpy(), above[:, 0].numpy(), n_neighbors=3, random_state=0)
    assert nearest_neighbours(100 * below, above, 3).value == pytest.approx(theirs[0], abs=1e-10)


@given(SEEDS, COLUMNS, COLUMNS)
def test_is_symmetric(seed: int, first: int, second: int) -> None:
    below, above = normal(25, first, seed=seed), normal(25, second, seed=seed + 1)
    found, expected = nearest_neighbours(below, above, 3), nearest_neighbours(above, below, 3)
    assert found.value == pytest.approx(expected.value, abs=1e-12)


@given(SEEDS, st.sampled_from([1e-200, 1e-9, 1e9, 1e90]), COLUMNS)
def test_scales_and_offsets_of_a_side_do_not_matter(seed: int, scale: float, columns: int) -> None:
    below, above = normal(25, columns, seed=seed), normal(25, columns, seed=seed + 1)
    found = nearest_neighbours(scale * (below + 1), above, 3).value
    assert found == pytest.approx(nearest_neighbours(below, above, 3).value, abs=1e-9)


@given(SEEDS, COLUMNS, st.integers(1, 5))
def test_never_above_the_ceiling_which_equal_sides_reach(seed: int, columns: int, neighbours: int) -> None:
    below, above = normal(25, columns, seed=seed), normal(25, columns, seed=seed + 1)
    ceiling = digamma(25) - digamma(neighbours)
    assert nearest_neighbours(below, above, neighbours).value <= ceiling
    copy = nearest_neighbours(below, below, neighbours)
    assert copy.value == pytest.approx(ceiling) == pytest.approx(copy.ceiling)
    assert copy.saturated


@pytest.mark.parametrize("half_width", [0.1, 0.4, 0.5, 0.6, 2.0])
def test_uniform_noise(half_width: float) -> None:
    found = nearest_neighbours(*blurred(4000, half_width), neighbours=3)
    assert found.value == pytest.approx(blurred_information(half_width), abs=0.05)
    assert not found.saturated


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_a_gaussian_pair(correlation: float) -> None:
    found = nearest_neighbours(*pairs(4000, 1, correlation), neighbours=3).value
    assert found == pytest.approx(pairs_information(1, correlation), abs=0.05)


def test_gaussian_blocks() -> None:
    # of 3 + 2 columns: low, as it is in all but few columns
    below, above, covariance = blocks(4000)
    truth = block_information(covariance, 3).item()
    assert truth - 0.2 < nearest_neighbours(below, above, 3).value < truth + 0.05


def test_increasing_functions_matter_little() -> None:
    below, above = pairs(4000, 1, 0.8)
    expected = nearest_neighbours(below, above, 3).value
    for mapped in (below.exp(), below.arctan(), below**3):
        assert nearest_neighbours(mapped, above, 3).value == pytest.approx(expected, abs=0.05)


def test_sees_what_is_not_linear() -> None:
    below = normal(2000, 1)
    above = below.abs() + 0.1 * normal(2000, 1, seed=1)
    assert gaussian(below, above).value < 0.01
    assert copula(below, above).value < 0.01
    assert nearest_neighbours(below, above, 3).value > 1
    assert nearest_neighbours(below, below.abs(), 3).saturated


@pytest.mark.parametrize("columns", [1, 3, 10])
def test_permuted_pairs_share_nothing(columns: int) -> None:
    values = []
    for seed in range(20):
        below, above = pairs(300, columns, 0.9, seed)
        values.append(nearest_neighbours(below, permuted(above, seed), 3).value)
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(20) + 0.01


def test_independent_parts_add_up_roughly() -> None:
    first, second = pairs(3000, 1, 0.8), pairs(3000, 1, 0.5, seed=1)
    both = side_by_side(first, second)
    separate = nearest_neighbours(*first, 3).value + nearest_neighbours(*second, 3).value
    assert nearest_neighbours(*both, 3).value == pytest.approx(separate, abs=0.08)


def test_a_longer_way_tells_less() -> None:
    layers = [normal(2000, 2)]
    for step in range(1, 5):
        layers.append((layers[-1] @ rotation(2, step) + 0.3 * normal(2000, 2, seed=step)).tanh())
    values = [nearest_neighbours(layers[0], layer, 3).value for layer in layers[1:]]
    assert values == sorted(values, reverse=True)
    assert values[0] > 2 * values[-1] > 0


def test_collapses_in_many_columns() -> None:
    below, above = pairs(2000, 32, 0.5)
    assert pairs_information(32, 0.5) > 4.6
    assert nearest_neighbours(below, above, 3).value < 1
    assert gaussian(below, above).value == pytest.approx(pairs_information(32, 0.5), abs=0.5)


@pytest.mark.parametrize("neighbours", [0, 10, 11])
def test_there_must_be_as_many_others(neighbours: int) -> None:
    below, above = normal(10, 1), normal(10, 1, seed=1)
    with pytest.raises(
        ValueError, match=f"neighbours is {neighbours}; allowed: 1 to 9, less than the examples"
    ):
        nearest_neighbours(below, above, neighbours)
    assert math.isfinite(nearest_neighbours(below, above, 9).value)


@pytest.mark.parametrize("columns", [1, 10])
def test_equal_examples_are_an_error(columns: int) -> None:
    below, above = normal(20, columns), normal(20, columns, seed=1)
    below[3], above[3] = below[7], above[7]
    with pytest.raises(ValueError, match="2 examples equal others; allowed: samples that differ"):
        nearest_neighbours(below, above, 3)


def test_labels_of_a_measured_value_are_allowed() -> None:
    # two classes that a value tells apart in part: one example is never equal to another
    labels = normal(4000).sign()
    separated = nearest_neighbours(labels, 10 * labels + normal(4000, seed=1), 3)
    assert separated.value == pytest.approx(math.log(2), abs=0.02)
    assert nearest_neighbours(labels, normal(4000, seed=1), 3).value == pytest.approx(0, abs=0.03)


def test_components_are_those_of_the_covariance() -> None:
    below, above = normal(200, 5) * torch.tensor([9, 7, 1, 0.1, 0.1]), normal(200, 4, seed=1)
    above[:, 0] = 30 * above[:, 0] + below[:, 0]
    leading = []
    for table in (below.numpy(), above.numpy()):
        centred = table - table.mean(0)
        leading.append(centred @ np.linalg.svd(centred)[2][:2].T)
    expected = nearest_neighbours(leading[0], leading[1], 3).value
    assert nearest_neighbours_of_components(below, above, 3, 2).value == pytest.approx(expected, abs=1e-9)


@given(SEEDS)
def test_components_turn_with_the_samples(seed: int) -> None:
    below, above = normal(30, 4, seed=seed), normal(30, 3, seed=seed + 1)
    found = nearest_neighbours_of_components(below @ rotation(4, seed), above @ rotation(3, seed), 3, 2)
    assert found.value == pytest.approx(nearest_neighbours_of_components(below, above, 3, 2).value, abs=1e-9)


def test_fewer_columns_than_components_are_all_taken() -> None:
    below, above = pairs(100, 1, 0.8)
    found = nearest_neighbours_of_components(below, above, 3, 3)
    assert found.value == pytest.approx(nearest_neighbours(below, above, 3).value, abs=1e-9)


def test_strong_relations_are_said_to_be_saturated_where_the_estimate_is_low() -> None:
    for truth, saturated in {1: False, 3: False, 6: True, 9: True}.items():
        found = nearest_neighbours(*pairs(1000, 1, math.sqrt(1 - math.exp(-2 * truth))), neighbours=3)
        assert found.saturated == saturated == (found.value < truth - 0.2)
