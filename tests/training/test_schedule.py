from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingtarget.training.schedule import constant, rise_and_fall


def test_the_released_schedule_epoch_by_epoch() -> None:
    factors = [rise_and_fall(epoch, 100, 5) for epoch in range(99)]
    assert factors[:6] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 94 / 95])
    assert factors[5:] == pytest.approx([(94 - epoch) / 95 for epoch in range(94)])


@given(rise=st.integers(0, 200), fall=st.integers(1, 200))
def test_it_rises_then_falls_by_equal_steps_to_zero(rise: int, fall: int) -> None:
    length = rise + fall
    factors = [rise_and_fall(place, length, rise) for place in range(length)]
    assert factors[:rise] == pytest.approx([place / rise for place in range(rise)])
    falling = factors[rise:]
    falls = [before - after for before, after in pairwise(falling)]
    assert falls == pytest.approx([1 / fall] * len(falls), abs=1e-9)
    assert factors[-1] == pytest.approx(0, abs=1e-9)
    assert all(-1e-9 <= factor <= 1 for factor in factors)


def test_without_a_rise_it_falls_from_the_start() -> None:
    assert [rise_and_fall(place, 4, 0) for place in range(4)] == [0.75, 0.5, 0.25, 0]


def test_constant_never_changes() -> None:
    assert {constant(step) for step in range(5)} == {1.0}
