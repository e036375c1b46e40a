import math
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from movingtarget.theory.linear_chain import (
    ORDERS,
    RULES,
    kept,
    kept_equal,
    orders,
    stability_limit,
    step_size,
    sweep_factor,
    updated_output,
)

magnitudes = st.floats(0.4, 2.5)
chains = st.lists(magnitudes | magnitudes.map(lambda weight: -weight), min_size=1, max_size=7)
steps = st.floats(1e-9, 0.5)
inputs = st.floats(0.5, 2) | st.floats(-2, -0.5)


def exact_step(weights: Sequence[float], step: float, x: float) -> tuple[Fraction, Fraction, Fraction]:
    """Output before and after a step, and the decrease promised, in rational numbers."""
    layers, eps = [Fraction(weight) for weight in weights], Fraction(step)
    before = Fraction(x) * math.prod(layers)
    gradient = [Fraction(x) * math.prod(layers[:place] + layers[place + 1 :]) for place in range(len(layers))]
    moved = [weight - eps * slope for weight, slope in zip(layers, gradient, strict=True)]
    return before, Fraction(x) * math.prod(moved), eps * sum(slope**2 for slope in gradient)


@given(weights=chains, step=steps, x=inputs)
def test_output_and_share_in_rational_numbers(weights: list[float], step: float, x: float) -> None:
    before, after, promised = exact_step(weights, step, x)
    shares = [step * float(before) / weight**2 for weight in weights]
    # a factor 1 - u near zero loses digits: an error relative to the sum of absolute terms
    size = math.prod(1 + abs(share) for share in shares)
    assert updated_output(weights, step, x) == pytest.approx(float(after), abs=1e-13 * abs(before) * size)
    expected = float((before - after) / promised)
    assert kept(weights, step, x) == pytest.approx(expected, rel=1e-13, abs=1e-13 * size)


def test_small_steps_lose_no_digits() -> None:
    weights, step = [0.7, 1.3, 0.9, 1.1], 1e-14
    before, after, promised = exact_step(weights, step, 1)
    assert 1 - float((before - after) / promised) > 0
    assert kept(weights, step) == pytest.approx(float((before - after) / promised), rel=1e-15, abs=0)


@given(weights=chains, step=steps, x=inputs)
def test_orders_by_all_subsets_of_layers(weights: list[float], step: float, x: float) -> None:
    output = x * math.prod(weights)
    for order, term in enumerate(orders(weights, step, x)):
        subsets = combinations(weights, order)
        polynomial = math.fsum(math.prod(weight**-2 for weight in subset) for subset in subsets)
        assert term == pytest.approx((-step) ** order * output ** (order + 1) * polynomial, rel=1e-12)


@given(weights=chains, step=steps)
def test_orders_sum_to_the_output_and_name_the_promise(weights: list[float], step: float) -> None:
    terms = orders(weights, step)
    updated = updated_output(weights, step)
    assert terms.sum() == pytest.approx(updated, abs=1e-13 * np.abs(terms).sum())
    _, _, promised = exact_step(weights, step, 1)
    assert terms[1] == pytest.approx(-float(promised), rel=1e-12)


def test_second_order_holds_the_term_that_the_book_names() -> None:
    # eps^2 g_1 g_2 w_3 ... w_l, and its like for every other pair
    weights, step = np.array([0.8, 1.5, 2.0, 0.6]), 0.03
    gradient = weights.prod() / weights
    pairs = [
        step**2 * gradient[i] * gradient[j] * np.delete(weights, [i, j]).prod()
        for i, j in combinations(range(4), 2)
    ]
    assert orders(weights, step)[2] == pytest.approx(sum(pairs), rel=1e-13)


def test_a_step_by_automatic_differentiation() -> None:
    weights = torch.tensor([0.8, -1.5, 2.0, 0.6, 1.1], dtype=torch.double, requires_grad=True)
    (gradient,) = torch.autograd.grad(1.7 * weights.prod(), weights)
    with torch.no_grad():
        for rule, eps in {"fixed": 0.2, "normalised": 0.2 / float(gradient @ gradient)}.items():
            step = step_size(weights.numpy(), rule, 0.2, x=1.7)
            assert step == pytest.approx(eps, rel=1e-13)
            after = 1.7 * (weights - eps * gradient).prod()
            assert updated_output(weights.numpy(), step, x=1.7) == pytest.approx(float(after), rel=1e-13)


@given(layers=st.integers(1, 40), weight=magnitudes, step=steps)
def test_equal_weights(layers: int, weight: float, step: float) -> None:
    share = step * weight ** (layers - 2)
    assume(layers * math.log1p(share) < 500)  # what floats can hold
    ratio = Fraction(share)
    expected = float((1 - (1 - ratio) ** layers) / (layers * ratio))
    size = (1 + share) ** layers
    assert kept_equal(layers, share) == pytest.approx(expected, rel=1e-12, abs=1e-14 * size)
    assert kept(np.full(layers, weight), step) == pytest.approx(expected, rel=1e-12, abs=1e-13 * size)


def test_equal_weights_that_lose_nothing_keep_all() -> None:
    np.testing.assert_array_equal(kept_equal(9, [0.0, 1.0]), [1, 1 / 9])


@given(weights=st.lists(magnitudes, min_size=2, max_size=7), step=steps)
def test_layers_that_lose_no_more_than_themselves_keep_some_but_not_all(
    weights: list[float], step: float
) -> None:
    shares = step * math.prod(weights) / np.square(weights)
    if 1e-9 < shares.max() < 1:
        assert 0 < kept(weights, step) < 1


def test_one_layer_keeps_its_promise() -> None:
    assert kept([1.7], 0.3) == 1


def test_the_rules_come_to_opposite_conclusions() -> None:
    def share(weight: float, rule: str) -> float:
        weights = np.full(8, weight)
        return float(kept(weights, step_size(weights, rule, 0.1)))

    assert share(0.5, "fixed") > 0.99
    assert share(2.0, "fixed") < 0  # y rises
    assert share(0.5, "normalised") < 0
    assert share(2.0, "normalised") > 0.99


def test_chains_in_an_array_are_independent() -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2, (2, 3, 5))
    step = step_size(weights, "normalised", 0.1)
    assert step.shape == (2, 3)
    for function in (updated_output, orders, kept):
        together = function(weights, step)
        for place in np.ndindex(2, 3):
            np.testing.assert_allclose(together[place], function(weights[place], step[place]), rtol=1e-14)


def sweep_matrix(gradient: NDArray[np.float64], rate: float, order: str) -> NDArray[np.float64]:
    """A sweep near a minimum as a linear map, built from the Hessian one layer after the other."""
    hessian = np.outer(gradient, gradient)
    identity = np.eye(len(gradient))
    if order == "simultaneous":
        return identity - rate * hessian
    matrix = identity
    for layer in range(len(gradient)):
        move = np.zeros_like(hessian)
        move[layer] = rate * hessian[layer]
        matrix = (identity - move) @ matrix
    return matrix


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("rate", [0.05, 0.4, 1.3, 2.2])
def test_a_sweep_has_one_eigenvalue_that_is_not_one(order: str, rate: float) -> None:
    weights = np.array([0.9, 1.2, -0.8, 1.05])
    factor = sweep_factor(weights, rate, order)
    matrix = sweep_matrix(weights.prod() / weights, rate, order)
    spectrum = np.sort_complex(np.linalg.eigvals(matrix))
    # ones, of multiplicity 3, are found to the cube root of the machine's precision
    np.testing.assert_allclose(spectrum, np.sort_complex([factor, 1, 1, 1]), atol=1e-4)
    # the error is g . (w - minimum), whose direction is the other left eigenvector
    left = weights.prod() / weights
    if order == "simultaneous":
        np.testing.assert_allclose(left @ matrix, factor * left, atol=1e-13)
    assert np.linalg.det(matrix) == pytest.approx(factor, abs=1e-13)


def errors(weights: NDArray[np.float64], target: float, rate: float, order: str, sweeps: int) -> list[float]:
    """What sweeps leave of the error of the output, from the loss's gradient."""
    weights = weights.copy()
    left = [weights.prod() - target]
    for _ in range(sweeps):
        if order == "simultaneous":
            weights = weights - rate * (weights.prod() - target) * weights.prod() / weights
        else:
            for layer in range(len(weights)):
                others = np.delete(weights, layer).prod()
                weights[layer] -= rate * (weights.prod() - target) * others
        left.append(weights.prod() - target)
    return left


@pytest.mark.parametrize("order", ORDERS)
def test_a_small_error_shrinks_by_the_factor(order: str) -> None:
    weights = np.array([0.9, 1.2, 0.8, 1.05])
    target = weights.prod() - 1e-7
    before, after = errors(weights, target, 0.3, order, 1)
    assert after / before == pytest.approx(sweep_factor(weights, 0.3, order), abs=1e-5)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layers", [1, 2, 5, 16])
def test_below_the_limit_a_small_error_shrinks_and_above_it_grows(layers: int, order: str) -> None:
    limit = float(stability_limit(layers, order))
    for share, grows in ((0.99, False), (1.01, True)):
        left = np.abs(errors(np.ones(layers), 1 + 1e-9, share * limit, order, 10))
        assert (left[-1] > left[0]) == grows
        assert abs(sweep_factor(np.ones(layers), share * limit, order)) == pytest.approx(
            (left[-1] / left[0]) ** 0.1, rel=1e-4
        )


@given(weights=st.lists(magnitudes, min_size=1, max_size=7))
def test_no_minimum_is_stable_at_a_higher_rate_for_simultaneous_updates(weights: list[float]) -> None:
    on_target = np.array(weights) / math.prod(weights) ** (1 / len(weights))
    rate = 1.0001 * float(stability_limit(len(weights), "simultaneous"))
    assert sweep_factor(on_target, rate, "simultaneous") < -1


def test_forward_sweeps_have_a_stable_minimum_above_their_limit_where_weights_are_unequal() -> None:
    assert abs(sweep_factor([3**0.5, 3**-0.5], 3.0, "forward")) < 1e-12
    assert abs(sweep_factor([1.0, 1.0], 3.0, "forward")) == 4


def test_limits_keep_shapes() -> None:
    counts = np.array([[1, 2], [4, 8]])
    np.testing.assert_array_equal(stability_limit(counts, "simultaneous"), [[2, 1], [0.5, 0.25]])
    np.testing.assert_array_equal(stability_limit(counts, "forward"), np.full((2, 2), 2))
    weights = np.random.default_rng(0).uniform(0.5, 2, (2, 3, 5))
    rates = np.linspace(0.01, 2, 6).reshape(2, 3)
    for order in ORDERS:
        together = sweep_factor(weights, rates, order)
        for place in np.ndindex(2, 3):
            assert together[place] == pytest.approx(sweep_factor(weights[place], rates[place], order))


def test_errors() -> None:
    assert RULES == ("fixed", "normalised")
    with pytest.raises(ValueError, match="rule must be one of fixed, normalised, not 'other'"):
        step_size([1.0], "other", 0.1)
    for size in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"size must be above 0, not {size:g}"):
            step_size([1.0], "fixed", size)
    for function in (updated_output, orders, kept):
        with pytest.raises(ValueError, match="a weight is 0; allowed: weights other than 0"):
            function([1.0, 0.0], 0.1)
        with pytest.raises(ValueError, match="x is 0; allowed: an input other than 0"):
            function([1.0, 2.0], 0.1, x=0.0)
    with pytest.raises(ValueError, match="a weight is 0"):
        sweep_factor([0.0], 0.1, "forward")
    with pytest.raises(ValueError, match="layers must be at least 1, not 0"):
        kept_equal(0, 0.1)
    with pytest.raises(ValueError, match="layers must be at least 1, not 0"):
        stability_limit([2, 0], "forward")
    for call in (partial(stability_limit, 2), partial(sweep_factor, [1.0], 0.1)):
        with pytest.raises(ValueError, match="order must be one of simultaneous, forward, not 'random'"):
            call("random")
