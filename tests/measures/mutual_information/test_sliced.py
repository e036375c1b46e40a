import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from information_cases import blurred, blurred_information, normal, pairs, permuted

from movingtarget.measures.mutual_information.nearest_neighbours import nearest_neighbours
from movingtarget.measures.mutual_information.sliced import sliced

SEEDS = st.integers(0, 10_000)


def test_agrees_with_projections_one_by_one() -> None:
    below, above = pairs(50, 3, 0.9)
    source = torch.Generator().manual_seed(0)
    values = []
    for _ in range(4):
        x, y = (torch.randn(3, dtype=torch.double, generator=source) for _ in range(2))
        values.append(nearest_neighbours(below @ x / x.norm(), above @ y / y.norm(), 3).value)
    assert sliced(below, above, 4, 3).value == pytest.approx(np.mean(values), abs=1e-9)


@given(SEEDS)
def test_of_single_columns_it_is_the_information_itself(seed: int) -> None:
    below, above = pairs(40, 1, 0.8, seed)
    found, expected = sliced(below, above, 2, 3), nearest_neighbours(below, above, 3)
    assert found.value == pytest.approx(expected.value, abs=1e-12)
    assert found.ceiling == expected.ceiling


@pytest.mark.parametrize("half_width", [0.2, 1.0])
def test_uniform_noise(half_width: float) -> None:
    found = sliced(*blurred(4000, half_width), slices=1, neighbours=3).value
    assert found == pytest.approx(blurred_information(half_width), abs=0.05)


def test_independent_pairs() -> None:
    columns, correlation, slices = 3, 0.95, 100
    source = torch.Generator().manual_seed(0)
    drawn = [torch.randn(columns, generator=source, dtype=torch.double) for _ in range(2 * slices)]
    x, y = torch.nn.functional.normalize(torch.stack(drawn), dim=-1).view(slices, 2, columns).unbind(1)
    # two directions see the correlation times their cosine
    truth = -0.5 * (1 - (correlation * (x * y).sum(1)).square()).log().mean().item()
    assert truth > 0.15
    found = sliced(*pairs(800, columns, correlation), slices=slices, neighbours=3).value
    assert found == pytest.approx(truth, abs=0.03)


def test_permuted_pairs_share_nothing() -> None:
    below, above = pairs(1000, 4, 0.9)
    assert sliced(below, permuted(above), 16, 3).value == pytest.approx(0, abs=0.03)


def test_a_longer_way_tells_less() -> None:
    first = normal(1000, 2)
    near = first + 0.2 * normal(1000, 2, seed=1)
    far = near + normal(1000, 2, seed=2)
    assert sliced(first, near, 16, 3).value > 1.5 * sliced(first, far, 16, 3).value > 0.1


def test_rises_where_layers_collapse() -> None:
    spread = normal(1000, 8)
    collapsed = spread[:, :1] + 0.01 * spread
    noise = 0.1 * normal(1000, 8, seed=1)
    assert sliced(collapsed, collapsed + noise, 16, 3).value > 2 * sliced(spread, spread + noise, 16, 3).value


def test_saturation_is_said() -> None:
    below = normal(100, 1)
    assert sliced(below, below, 2, 3).saturated
    assert not sliced(*pairs(100, 1, 0.5), slices=2, neighbours=3).saturated


@pytest.mark.parametrize("slices", [0, -1])
def test_there_must_be_slices(slices: int) -> None:
    with pytest.raises(ValueError, match=f"slices is {slices}; allowed: 1 or more"):
        sliced(*pairs(20, 1, 0.5), slices=slices, neighbours=3)


def test_the_bias_is_not_known() -> None:
    assert math.isnan(sliced(*pairs(20, 1, 0.5), slices=1, neighbours=3).bias)
