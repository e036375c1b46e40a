"""Stability of sweeps on quadratics: a counter-example, laws, and explicit iteration."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from movingtarget.theory.linear_chain import stability_limit
from movingtarget.theory.sweep import (
    curvature_ratio,
    positive_part,
    simultaneous_limit,
    spectral_radius,
    sufficient_limit,
    sweep_limit,
    sweep_map,
)

Matrix = NDArray[np.float64]
COUNTER_EXAMPLE = [[1.0, 0.5], [0.5, 0.5]]


def semidefinite(seed: int, size: int, rank: int) -> Matrix:
    root = np.random.default_rng(seed).normal(size=(rank, size))
    return np.asarray(root.T @ root)


def multiplied(matrix: Matrix, sizes: Sequence[int], rate: float, sweeps: int) -> float:
    """By how much explicit sweeps, block by block, multiply the loss that the first one left."""
    point = np.random.default_rng(1).normal(size=len(matrix))
    ends = np.cumsum([0, *sizes])
    losses = []
    for _ in range(sweeps):
        for start, end in pairwise(ends):
            gradient = matrix @ point
            point[start:end] -= rate * gradient[start:end]
        losses.append(point @ matrix @ point)
    return float(losses[-1] / losses[0])


def test_the_ratio_of_curvatures_does_not_bound_the_gain_from_above() -> None:
    assert curvature_ratio(COUNTER_EXAMPLE, [1, 1]) == pytest.approx(1.309, abs=5e-4)
    assert simultaneous_limit(COUNTER_EXAMPLE) == pytest.approx(1.528, abs=5e-4)
    # the trace of Q is 2 - 1.5 rate + rate^2 / 4, its determinant (1 - rate)(1 - rate / 2): -1 at rate 3
    assert sweep_limit(COUNTER_EXAMPLE, [1, 1]) == pytest.approx(3.0, rel=1e-8)
    gain = sweep_limit(COUNTER_EXAMPLE, [1, 1]) / simultaneous_limit(COUNTER_EXAMPLE)
    assert gain == pytest.approx(1.963, abs=1e-3)


@given(
    seed=st.integers(0, 10**6),
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    rank=st.integers(1, 8),
)
def test_the_gain_is_at_least_the_ratio_of_curvatures(seed: int, sizes: list[int], rank: int) -> None:
    matrix = semidefinite(seed, sum(sizes), rank)
    limit, sufficient = sweep_limit(matrix, sizes), sufficient_limit(matrix, sizes)
    assert limit >= sufficient * (1 - 1e-9)
    assert limit / simultaneous_limit(matrix) >= curvature_ratio(matrix, sizes) * (1 - 1e-6)
    assert 1 - 1e-9 <= curvature_ratio(matrix, sizes) <= len(sizes) + 1e-9


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sizes", [[1, 1, 1, 1], [2, 3], [1, 2, 2]])
def test_sweeps_settle_below_the_limit_and_grow_above_it(seed: int, sizes: list[int]) -> None:
    matrix = semidefinite(seed, sum(sizes), 4)
    limit = sweep_limit(matrix, sizes)
    assert multiplied(matrix, sizes, 0.98 * limit, 2000) < 1e-3
    assert multiplied(matrix, sizes, 1.01 * limit, 2000) > 10


@pytest.mark.parametrize("seed", range(4))
def test_the_map_is_the_product_of_its_factors_and_reaches_one_at_the_limit(seed: int) -> None:
    matrix, sizes = semidefinite(seed, 5, 5), [2, 1, 2]
    limit = sweep_limit(matrix, sizes)
    product, start = np.eye(5), 0
    for size in sizes:
        own = np.diag([float(start <= place < start + size) for place in range(5)])
        product, start = (np.eye(5) - limit * own @ matrix) @ product, start + size
    np.testing.assert_allclose(sweep_map(matrix, sizes, limit), product, atol=1e-12)
    assert spectral_radius(product) == pytest.approx(1, abs=1e-6)
    below = [
        spectral_radius(sweep_map(matrix, sizes, share * limit)) for share in np.linspace(0.02, 0.99, 60)
    ]
    assert max(below) < 1


def test_one_block_is_simultaneous_descent() -> None:
    matrix = semidefinite(3, 6, 4)
    assert sweep_limit(matrix, [6]) == pytest.approx(simultaneous_limit(matrix), rel=1e-6)
    assert curvature_ratio(matrix, [6]) == pytest.approx(1)


def test_blocks_that_do_not_interfere_gain_nothing() -> None:
    matrix = np.zeros((5, 5))
    matrix[:2, :2], matrix[2:, 2:] = semidefinite(0, 2, 2), semidefinite(1, 3, 3)
    assert curvature_ratio(matrix, [2, 3]) == pytest.approx(1)
    assert sweep_limit(matrix, [2, 3]) == pytest.approx(simultaneous_limit(matrix), rel=1e-6)


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_a_linear_chain_at_its_minimum(layers: int) -> None:
    matrix = np.ones((layers, layers))  # of rank one
    assert simultaneous_limit(matrix) == pytest.approx(stability_limit(layers, "simultaneous").item())
    assert sweep_limit(matrix, [1] * layers) == pytest.approx(stability_limit(layers, "forward").item())
    assert curvature_ratio(matrix, [1] * layers) == pytest.approx(layers)


def test_flat_directions_do_not_count() -> None:
    flat = np.zeros((4, 4))
    flat[:2, :2] = COUNTER_EXAMPLE
    assert spectral_radius(sweep_map(flat, [1, 1, 2], 0.5)) == pytest.approx(1)
    assert sweep_limit(flat, [1, 1, 2]) == pytest.approx(3.0)


def test_the_positive_part_is_what_curves_upwards() -> None:
    values, vectors = np.linalg.eigh(semidefinite(0, 4, 4))
    signed = values * [-1, 1, -1, 1]
    np.testing.assert_allclose(
        np.linalg.eigvalsh(positive_part((vectors * signed) @ vectors.T)),
        sorted(signed.clip(0)),
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("matrix", "sizes", "message"),
    [
        ([[1.0, 2.0], [0.0, 1.0]], [1, 1], "the Hessian is not symmetric"),
        (
            [[1.0, 0.0], [0.0, -0.5]],
            [1, 1],
            "eigenvalues lie from -0.5 to 1; allowed: a positive",
        ),
        ([[0.0, 0.0], [0.0, 0.0]], [1, 1], "other than zero"),
        (COUNTER_EXAMPLE, [1, 2], "sizes of blocks are 1, 2; allowed: at least 1 each, 2 in all"),
        (COUNTER_EXAMPLE, [2, 0], "sizes of blocks are 2, 0"),
    ],
)
def test_what_is_no_quadratic_with_a_minimum_is_refused(
    matrix: list[list[float]], sizes: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sweep_limit(matrix, sizes)
