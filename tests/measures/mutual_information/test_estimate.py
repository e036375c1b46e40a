"""Samples of every kind, good and bad, by every estimator."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
from information_cases import normal, pairs, said
from torch.testing import assert_close

from movingtarget.estimators import ESTIMATORS
from movingtarget.measures.mutual_information.estimate import Estimate, positive, sample, samples, told_apart

BELOW, ABOVE = pairs(60, 2, 0.8)
LINEAR = ("gaussian", "copula")
BY_NEIGHBOURS = ("nearest-neighbours", "nearest-neighbours-of-components", "sliced")

every_estimator = pytest.mark.parametrize("name", ESTIMATORS)


def refuses(name: str, below: object, above: object, reason: str) -> None:
    """An estimator says in one line what is wrong and what is allowed."""
    with pytest.raises(ValueError, match=reason) as caught:
        said(name, below, above)
    assert "\n" not in str(caught.value)
    assert "allowed: " in str(caught.value)


def agree(found: Estimate, expected: Estimate) -> None:
    """Two estimates are the same but for rounding."""
    assert_close(torch.tensor(found[:3]), torch.tensor(expected[:3]), rtol=0, atol=1e-6, equal_nan=True)
    assert found.saturated == expected.saturated


@every_estimator
def test_says_something(name: str) -> None:
    found = said(name, BELOW, ABOVE)
    assert math.isfinite(found.value)
    assert found.value <= found.ceiling
    assert isinstance(found.saturated, bool)


@every_estimator
def test_constant_columns_change_nothing(name: str) -> None:
    constant = torch.full((60, 1), 0.1, dtype=torch.double)
    wider = torch.cat([constant, BELOW[:, :1], 3 * constant, BELOW[:, 1:]], 1)
    assert repr(said(name, wider, ABOVE)) == repr(said(name, BELOW, ABOVE))
    assert repr(said(name, ABOVE, wider)) == repr(said(name, ABOVE, BELOW))


@every_estimator
@pytest.mark.parametrize("value", [0.0, 0.1, -1e-300, 1e50])
def test_samples_that_are_all_the_same_are_refused(name: str, value: float) -> None:
    constant = torch.full((60, 2), value, dtype=torch.double)
    refuses(name, constant, ABOVE, "below is the same for all 60 examples; allowed: samples of which")
    refuses(name, BELOW, constant, "above is the same for all 60 examples")


@every_estimator
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_values_that_are_no_numbers_are_refused(name: str, value: float) -> None:
    broken = BELOW.clone()
    broken[7, 1] = value
    refuses(name, broken, ABOVE, r"below has values that are not finite or beyond 1e\+100; allowed: finite")
    refuses(name, ABOVE, broken, "above has values that are not finite")


@every_estimator
def test_one_axis_is_one_column(name: str) -> None:
    column = said(name, BELOW[:, :1], ABOVE)
    assert repr(said(name, BELOW[:, 0], ABOVE)) == repr(column)


@every_estimator
def test_lists_and_arrays_are_as_good_as_tensors(name: str) -> None:
    expected = repr(said(name, BELOW, ABOVE))
    below, above = BELOW.numpy(), ABOVE.numpy()
    backwards, frozen = np.ascontiguousarray(above[::-1])[::-1], np.asfortranarray(below)
    frozen.flags.writeable = False
    assert repr(said(name, BELOW.tolist(), above)) == expected
    assert repr(said(name, frozen, backwards)) == expected
    assert repr(said(name, pd.DataFrame(below), BELOW.new_tensor(above).requires_grad_())) == expected


@every_estimator
def test_samples_are_left_as_they_were(name: str) -> None:
    below, above = BELOW.clone(), ABOVE.clone()
    said(name, below, above)
    assert below.equal(BELOW)
    assert above.equal(ABOVE)


@every_estimator
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_few_digits_are_enough(name: str, kind: torch.dtype) -> None:
    below, above = BELOW.to(kind), ABOVE.to(kind)
    agree(said(name, below, above), said(name, below.double(), above.double()))


@every_estimator
def test_whole_numbers_and_truths(name: str) -> None:
    """Repeated examples have no nearest neighbours; to all others a number is a number."""
    counts, truths = (4 * BELOW).round().int(), ABOVE > 0
    if name in BY_NEIGHBOURS:
        refuses(name, counts, truths, "[0-9]+ examples equal others; allowed: samples that differ")
    else:
        assert repr(said(name, counts, truths)) == repr(said(name, counts.double(), truths.double()))
        assert said(name, counts, truths).value > 0.1 or name == "pairwise-lower"


@every_estimator
def test_repeated_examples(name: str) -> None:
    below, above = BELOW.repeat(2, 1), ABOVE.repeat(2, 1)
    if name in BY_NEIGHBOURS:
        refuses(name, below, above, "120 examples equal others; allowed: samples that differ")
    elif name in LINEAR:  # the bias is that of as many examples as there seem to be
        assert abs(said(name, below, above).value - said(name, BELOW, ABOVE).value) < 0.1
    else:
        agree(said(name, below, above), said(name, BELOW, ABOVE))


@every_estimator
def test_a_copy_shares_all(name: str) -> None:
    copy = BELOW[:, :1]
    if name in LINEAR:
        refuses(name, copy, copy, "information is infinite")
    else:
        found = said(name, copy, copy, noise=0.01)
        # of slices in other directions less is shared, but one column has one direction
        assert found.saturated or found.value == pytest.approx(1)


@every_estimator
def test_fewer_examples_than_columns(name: str) -> None:
    below, above = normal(6, 5), normal(6, 4, seed=1)
    if name in LINEAR:
        refuses(name, below, above, "6 examples for 9 columns; allowed: more examples than columns of both")
    else:
        assert math.isfinite(said(name, below, above).value)


@every_estimator
def test_unequal_lengths_are_refused(name: str) -> None:
    refuses(name, BELOW, ABOVE[:-1], "below has 60 examples and above 59; allowed: the same examples in both")


@every_estimator
@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((60, 2, 3), "below is 60x2x3; allowed: examples x columns, other axes flattened"),
        ((), "below is a single number"),
        ((0,), "below is empty"),
        ((0, 2), "below is empty"),
        ((60, 0), "below is empty"),
        ((1, 2), "below is the same for all 1 examples"),
    ],
)
def test_other_shapes_are_refused(name: str, shape: tuple[int, ...], reason: str) -> None:
    refuses(name, torch.rand(shape), ABOVE, reason)


@every_estimator
@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"],
        [[1.0, 2.0], [3.0]],
        None,
        (BELOW, ABOVE[:30]),
        [{"a": 1}, {"a": 2}],
        np.array([1j, 2j]),
        torch.tensor([1j, 2j]),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(name: str, values: object) -> None:
    refuses(name, values, ABOVE, "^below is (no array|complex)")


def test_columns_that_vary_are_kept_in_their_order() -> None:
    table = torch.tensor([[1, 7, 0.0], [2, 7, 0], [3, 7, 1e-300]], dtype=torch.double)
    assert sample("layer", table).equal(table[:, [0, 2]])
    first, second = samples(table[:, 0], np.array([False, True, True]))
    assert first.tolist() == [[1], [2], [3]]
    assert second.tolist() == [[0], [1], [1]]
    assert first.dtype == second.dtype == torch.double


@pytest.mark.parametrize("examples", [2, 5])
def test_examples_told_apart(examples: int) -> None:
    below, above = normal(examples, 2), normal(examples, 1, seed=1)
    assert told_apart(below, above) == pytest.approx(math.log(examples))
    assert told_apart(below.repeat(3, 1), above.repeat(3, 1)) == pytest.approx(math.log(examples))
    assert told_apart(0 * below, -0.0 * above) == pytest.approx(0)
    assert told_apart(1e-200 * below, above / 1e200) == pytest.approx(math.log(examples))


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf])
def test_positive(value: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"noise is {value}; allowed: a finite number above 0")):
        positive("noise", value)
    assert positive("noise", 1e-9) == 1e-9
