"""SplitMix64 against numbers of its publication, whole numbers of Python, and what uniform numbers do."""

import pytest
import torch
from elsewhere import another_device
from scipy.stats import kstest

from movingtarget.training.uniform import BITS, uniform

CPU = torch.device("cpu")
PUBLISHED = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]
"""The first numbers of splitmix64.c from seed 1234567."""


def split_mix(seed: int, place: int) -> int:
    """The number at a place, from 1, in Python's whole numbers."""
    mixed = (seed + place * 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


def highest_bits(number: int) -> float:
    return (number >> 64 - BITS) / 2**BITS


def test_the_numbers_are_those_published() -> None:
    assert uniform(1234567, [5], torch.float, CPU).tolist() == [highest_bits(number) for number in PUBLISHED]
    assert [split_mix(1234567, place) for place in range(1, 6)] == PUBLISHED


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
@pytest.mark.parametrize("seed", [0, 1, 2**40, 2**63 - 1])
def test_every_number_follows_from_seed_and_place(seed: int, dtype: torch.dtype) -> None:
    found = uniform(seed, [7, 11], dtype, CPU)
    assert found.dtype == dtype
    assert found.flatten().tolist() == [highest_bits(split_mix(seed, place)) for place in range(1, 78)]


def test_numbers_are_spread_evenly_and_those_of_two_seeds_are_unrelated() -> None:
    one, other = (uniform(seed, [100_000], torch.double, CPU) for seed in (0, 1))
    for numbers in (one, other):
        assert kstest(numbers.numpy(), "uniform").pvalue > 0.01
        assert abs(torch.corrcoef(torch.stack([numbers[1:], numbers[:-1]]))[0, 1]) < 0.01
    assert abs(torch.corrcoef(torch.stack([one, other]))[0, 1]) < 0.01


def test_another_device_has_the_same() -> None:
    with another_device() as device:
        there = uniform(5, [3, 4], torch.float, device)
    assert there.device.type == device.type
    assert there.here.tolist() == uniform(5, [3, 4], torch.float, CPU).tolist()  # type: ignore[attr-defined]


def test_a_card_has_the_same(card: torch.device) -> None:
    assert torch.equal(uniform(5, [3, 4], torch.float, card).cpu(), uniform(5, [3, 4], torch.float, CPU))
