"""Numbers brought to a common size."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from movingtarget.measures.scale import unit_scale

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_a_power_of_two_takes_no_digit_away(numbers: list[float]) -> None:
    scaled, power = unit_scale(torch.tensor(numbers, dtype=torch.double), [0])
    largest = max(map(abs, numbers))
    assert math.frexp(power.item())[0] == 0.5
    assert scaled.abs().max().item() == largest / power.item()
    for number, value in zip(numbers, scaled.tolist(), strict=True):
        # digits go only to what is next to nothing beside the largest
        assert value * power.item() == pytest.approx(number, rel=1e-15, abs=largest * 1e-290)
    if 1e-300 < largest < 1e300:
        assert 0.5 <= scaled.abs().max() < 1


def test_every_power_is_exact() -> None:
    powers = [2.0**exponent for exponent in range(-999, 1000)]
    scaled, found = unit_scale(torch.tensor(powers, dtype=torch.double)[:, None] * 0.75, [1])
    assert found.flatten().tolist() == powers
    assert (scaled == 0.75).all()


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf, -math.inf])
def test_what_has_no_size_stays_as_it_is(value: float) -> None:
    values = torch.tensor([[value, 1.0], [2.0, 3.0]])
    scaled, powers = unit_scale(values, [0, 1])
    assert powers.item() == (4.0 if value == 0 else 1.0)
    assert torch.equal(scaled.nan_to_num(), (values / powers).double().nan_to_num())
    zero, one = unit_scale(torch.zeros(2, 3), [0, 1])
    assert not zero.any()
    assert one.item() == 1


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.int64, torch.bool])
def test_numbers_of_any_kind(dtype: torch.dtype) -> None:
    scaled, power = unit_scale(torch.tensor([1, 0]).to(dtype), [0])
    assert scaled.dtype == torch.double
    assert (scaled * power).tolist() == [1, 0]


def test_what_has_no_largest_number_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^the values are complex \(torch.complex64\); allowed: real numbers$"
    ):
        unit_scale(torch.ones(2) * 1j, [0])
    with pytest.raises(ValueError, match=r"^the values are empty"):
        unit_scale(torch.zeros(0, 3), [0])
