import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from information_cases import normal, pairs, pairs_information, permuted, side_by_side
from sklearn.metrics import mutual_info_score

from movingtarget.measures.mutual_information.binned import binned

SEEDS, COLUMNS, BINS = st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 9)


@given(SEEDS, COLUMNS, COLUMNS, BINS)
def test_agrees_with_counts_of_cells(seed: int, first: int, second: int, bins: int) -> None:
    tables = normal(40, first, seed=seed).numpy(), normal(40, second, seed=seed + 1).numpy()
    cells = []
    for table in tables:
        edges = [np.quantile(table, i / bins) for i in range(1, bins)]
        cells.append([tuple(sum(value > edge for edge in edges) for value in row) for row in table])
    joint = Counter(zip(*cells, strict=True))
    alone = [Counter(side) for side in cells]
    expected = sum(
        count / 40 * math.log(40 * count / (alone[0][x] * alone[1][y])) for (x, y), count in joint.items()
    )
    assert binned(*tables, bins).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bins", [2, 8])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_values_that_recur_at_an_end_are_told_from_the_others(bins: int, sign: float) -> None:
    """Nine tenths of them are equal, as where units are dead or at their limit."""
    draws = np.random.default_rng(0)
    layer = sign * np.where(draws.random(2000) < 0.9, 1.0, draws.random(2000))
    share = (layer == sign).mean()
    found = binned(layer, layer, bins)
    told = -(share * math.log(share) + (1 - share) * math.log(1 - share))
    assert found.value == pytest.approx(told, abs=1e-9)
    assert found.ceiling >= found.value


def test_labels_are_cells_of_their_own() -> None:
    labels = np.arange(800) % 8
    assert binned(labels, labels, 8).value == pytest.approx(math.log(8))


def test_agrees_with_scikit_learn() -> None:
    below, above = (table[:, 0].numpy() for table in pairs(1000, 1, 0.8))
    labels = [np.argsort(np.argsort(values)) // 100 for values in (below, above)]
    assert binned(below, above, 10).value == pytest.approx(mutual_info_score(*labels), abs=1e-10)


@given(SEEDS, COLUMNS, BINS)
def test_no_more_than_examples_and_bins_can_tell(seed: int, columns: int, bins: int) -> None:
    below, above = normal(30, columns, seed=seed), normal(30, 2, seed=seed + 1)
    found = binned(below, above, bins)
    assert found.ceiling == pytest.approx(min(math.log(30), columns * math.log(bins), 2 * math.log(bins)))
    assert 0 <= found.value <= found.ceiling + 1e-12


@given(SEEDS, COLUMNS, COLUMNS, BINS)
def test_is_symmetric(seed: int, first: int, second: int, bins: int) -> None:
    below, above = normal(30, first, seed=seed), normal(30, second, seed=seed + 1)
    assert binned(below, above, bins).value == pytest.approx(binned(above, below, bins).value, abs=1e-12)


@given(SEEDS, BINS)
def test_one_increasing_function_of_all_columns_does_not_matter(seed: int, bins: int) -> None:
    below, above = normal(30, 2, seed=seed), normal(30, 2, seed=seed + 1)
    assert binned(below.exp(), above.arctan(), bins) == binned(below, above, bins)


@pytest.mark.parametrize("clusters", [2, 4, 8])
def test_clusters_are_told_apart(clusters: int) -> None:
    layer = torch.arange(clusters).repeat(50) + 0.01 * normal(50 * clusters)
    assert binned(layer, -layer, clusters).value == pytest.approx(math.log(clusters), abs=1e-12)


@pytest.mark.parametrize("correlation", [0.5, 0.8])
def test_of_single_columns_it_is_a_little_low(correlation: float) -> None:
    found = binned(*pairs(50_000, 1, correlation), bins=16)
    truth = pairs_information(1, correlation)
    assert truth - 0.06 < found.value < truth
    assert not found.saturated


def test_sees_what_is_not_linear() -> None:
    below = normal(5000, 1)
    assert binned(below, below.abs(), 8).value > 1


def test_permuted_pairs_share_next_to_nothing() -> None:
    below, above = pairs(20_000, 1, 0.9)
    # on average (8 - 1)^2 / (2 n)
    assert binned(below, permuted(above), 8).value == pytest.approx(49 / 40_000, abs=0.001)


def test_independent_parts_add_up() -> None:
    first, second = pairs(50_000, 1, 0.8), pairs(50_000, 1, 0.5, seed=1)
    both = side_by_side(first, second)
    separate = binned(*first, 4).value + binned(*second, 4).value
    assert binned(*both, 4).value == pytest.approx(separate, abs=0.005)


def test_a_longer_way_tells_less() -> None:
    layers = [normal(10_000, 1)]
    for step in range(1, 5):
        layers.append((layers[-1] + 0.3 * normal(10_000, 1, seed=step)).tanh())
    values = [binned(layers[0], layer, 8).value for layer in layers[1:]]
    assert values == sorted(values, reverse=True)
    assert values[0] > 1.5 * values[-1] > 0


def test_of_many_columns_it_tells_how_many_examples_there_are() -> None:
    below, above = normal(500, 16), normal(500, 16, seed=1)
    found = binned(below, above, 8)
    assert found.value == pytest.approx(math.log(500), abs=1e-9)
    assert found.saturated


def test_more_cells_than_examples_is_said_whatever_they_share() -> None:
    found = binned(normal(500, 2), normal(500, 2, seed=1), 8)
    assert 1 < found.value < found.ceiling - 1  # the truth is 0
    assert found.saturated


@given(st.integers(2, 7), st.integers(2, 7))
def test_every_combination_once_shares_nothing(first: int, second: int) -> None:
    below, above = np.meshgrid(np.arange(first), np.arange(second))
    found = binned(below.ravel(), above.ravel(), max(first, second))
    assert 0 <= found.value < 1e-12


def test_repeated_examples_lower_the_ceiling() -> None:
    below, above = normal(100, 16).repeat(3, 1), normal(100, 16, seed=1).repeat(3, 1)
    found = binned(below, above, 8)
    assert found.ceiling == pytest.approx(math.log(100))
    assert found.saturated


@pytest.mark.parametrize("bins", [1, 0, -3])
def test_there_must_be_two_bins(bins: int) -> None:
    with pytest.raises(ValueError, match=f"bins is {bins}; allowed: 2 or more"):
        binned(normal(5), normal(5), bins)
