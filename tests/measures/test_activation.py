from itertools import combinations, groupby
from statistics import mean

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from movingtarget.measures.activation import active_share, co_active_share, mean_run_length


def random_pattern(seed: int, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) < 0.4


@given(seed=st.integers(0, 2**31), inputs=st.integers(2, 7), units=st.integers(1, 5))
def test_agrees_with_counting(seed: int, inputs: int, units: int) -> None:
    patterns = random_pattern(seed, 2, 3, inputs, units)
    active, co_active = active_share(patterns), co_active_share(patterns)
    lengths = mean_run_length(patterns)
    for layer in range(6):
        place = divmod(layer, 3)
        columns = patterns[place].mT.tolist()
        both = [one and other for column in columns for one, other in combinations(column, 2)]
        runs = [mean(len(list(run)) for _, run in groupby(column)) for column in columns]
        assert active[place].item() == pytest.approx(
            mean(on for column in columns for on in column), abs=1e-12
        )
        assert co_active[place].item() == pytest.approx(mean(both), abs=1e-12)
        assert lengths[place].tolist() == pytest.approx(runs, abs=1e-12)


@given(seed=st.integers(0, 2**31), inputs=st.integers(2, 9))
def test_order_of_inputs_matters_to_runs_alone(seed: int, inputs: int) -> None:
    pattern = random_pattern(seed, inputs, 8)
    shuffled = pattern[torch.randperm(inputs)]
    assert_close(active_share(shuffled), active_share(pattern))
    assert_close(co_active_share(shuffled), co_active_share(pattern))
    assert torch.equal(mean_run_length(pattern.flip(0)), mean_run_length(pattern))
    assert torch.equal(mean_run_length(~pattern), mean_run_length(pattern))
    assert (co_active_share(pattern) <= active_share(pattern) + 1e-12).all()


def test_always_on_and_alternating_units() -> None:
    pattern = torch.tensor([[True, True], [True, False], [True, True], [True, False]])
    assert active_share(pattern) == 0.75
    assert co_active_share(pattern).item() == pytest.approx((1 + 1 / 6) / 2)
    assert mean_run_length(pattern).tolist() == [4, 1]
    assert mean_run_length(pattern[:1]).tolist() == [1, 1]


def test_one_input_has_no_pair() -> None:
    with pytest.raises(ValueError, match="co-activation needs at least 2 inputs, got 1"):
        co_active_share(torch.ones(1, 3, dtype=torch.bool))
