import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from information_cases import normal, pairs, permuted, rotation

from movingtarget.measures.feature_similarity import feature_similarity
from movingtarget.measures.mutual_information.alignment import alignment

SEEDS, COLUMNS = st.integers(0, 10_000), st.integers(1, 5)


@given(SEEDS, COLUMNS, COLUMNS)
def test_is_the_similarity_of_features(seed: int, first: int, second: int) -> None:
    below, above = normal(20, first, seed=seed), normal(20, second, seed=seed + 1)
    found = alignment(below, above)
    assert found.value == pytest.approx(feature_similarity(below, above).item(), abs=1e-12)
    assert 0 <= found.value <= found.ceiling == 1
    assert math.isnan(found.bias)
    assert not found.saturated
    assert found.value == pytest.approx(alignment(above, below).value, abs=1e-12)


@given(SEEDS, COLUMNS, st.sampled_from([1e-200, 0.1, 1e90]))
def test_rotations_scales_and_offsets_do_not_matter(seed: int, columns: int, scale: float) -> None:
    below, above = normal(20, columns, seed=seed), normal(20, columns, seed=seed + 1)
    turned = alignment(scale * (below @ rotation(columns, seed) + 2), above @ rotation(columns, seed + 1))
    assert turned.value == pytest.approx(alignment(below, above).value, abs=1e-9)


def test_permuted_pairs_are_unlike() -> None:
    below, above = pairs(10_000, 3, 0.9)
    assert alignment(below, above).value == pytest.approx(0.81, abs=0.02)  # the correlation squared
    assert alignment(below, permuted(above)).value < 0.01


def test_a_longer_way_is_less_alike() -> None:
    layers = [normal(2000, 3)]
    for step in range(1, 5):
        layers.append((layers[-1] @ rotation(3, step) + 0.3 * normal(2000, 3, seed=step)).tanh())
    values = [alignment(layers[0], layer).value for layer in layers]
    assert values == sorted(values, reverse=True)


def test_blind_to_absolute_values() -> None:
    below = normal(10_000, 1)
    assert alignment(below, below.abs()).value < 0.003
    assert alignment(below, torch.cat([below, below.abs()], 1)).value > 0.5
