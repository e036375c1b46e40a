import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from information_cases import blocks, normal, pairs, pairs_information, permuted, side_by_side
from scipy.stats import norm, rankdata
from torch import Tensor

from movingtarget.measures.mutual_information.copula import copula
from movingtarget.measures.mutual_information.gaussian import gaussian
from movingtarget.theory.gaussian_information import block_information

SEEDS = st.integers(0, 10_000)


def increasing(table: Tensor, place: int) -> Tensor:
    """The table with an increasing function of its own of each column."""
    functions = [torch.exp, lambda x: x**3, torch.arctan, lambda x: 100 * x - 7]
    return torch.stack([functions[(place + i) % 4](column) for i, column in enumerate(table.T)], 1)


@given(SEEDS, st.integers(1, 5), st.integers(1, 5))
def test_increasing_functions_of_columns_do_not_matter(seed: int, first: int, second: int) -> None:
    below, above = normal(40, first, seed=seed), normal(40, second, seed=seed + 1)
    assert copula(increasing(below, seed), increasing(above, seed + 1)) == copula(below, above)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=8, max_size=30))
def test_equal_values_have_their_mean_rank(values: list[tuple[int, int]]) -> None:
    columns = np.array(values).T
    if any(len(np.unique(column)) == 1 for column in columns):
        return
    scores = [norm.ppf(rankdata(column) / (len(values) + 1)) for column in columns]
    if abs(np.corrcoef(scores)[0, 1]) > 0.999:
        return
    assert copula(*columns).value == pytest.approx(gaussian(*scores).value, abs=1e-10)


@given(SEEDS)
def test_is_symmetric(seed: int) -> None:
    below, above = normal(30, 2, seed=seed), normal(30, 3, seed=seed + 1)
    assert copula(below, above).value == pytest.approx(copula(above, below).value, abs=1e-10)


def test_gaussian_blocks() -> None:
    below, above, covariance = blocks(20_000)
    expected = block_information(covariance, 3).item()
    assert copula(increasing(below, 0), increasing(above, 1)).value == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(("columns", "correlation"), [(1, 0.5), (8, 0.9)])
def test_independent_pairs(columns: int, correlation: float) -> None:
    below, above = pairs(20_000, columns, correlation)
    expected = pairs_information(columns, correlation)
    assert copula(below.exp(), above**3).value == pytest.approx(expected, abs=0.08)
    assert gaussian(below.exp(), above**3).value < 0.8 * expected


def test_permuted_pairs_share_nothing() -> None:
    values = []
    for seed in range(100):
        below, above = pairs(80, 5, 0.9, seed)
        values.append(copula(below, permuted(above, seed)).value)
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(len(values))


def test_independent_parts_add_up() -> None:
    first, second = pairs(20_000, 3, 0.6, seed=1), blocks(20_000, seed=2)[:2]
    both = side_by_side(first, second)
    assert copula(*both).value == pytest.approx(copula(*first).value + copula(*second).value, abs=0.01)


def test_a_longer_way_tells_less() -> None:
    first = normal(20_000, 3)
    near = first + normal(20_000, 3, seed=1)
    far = (near @ normal(3, 3, seed=2)).tanh() + normal(20_000, 3, seed=3)
    assert copula(first, near).value > 1.5 * copula(first, far).value > 0.1


def test_blind_to_relations_that_do_not_rise() -> None:
    below = normal(20_000, 1)
    assert copula(below, below.abs()).value == pytest.approx(0, abs=0.001)


def test_a_column_that_rises_with_another_is_infinite_information() -> None:
    below = normal(30, 1)
    with pytest.raises(ValueError, match="information is infinite"):
        copula(below, below.exp())
