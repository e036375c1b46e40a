"""Random numbers that are the same on every device, made where they are wanted."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

BITS = 24
"""Of a number, as many as single precision holds."""


def uniform(seed: int, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """The first numbers of SplitMix64, uniform from 0 up to but not 1, in multiples of 2^-24.

    Each follows from the seed and its place alone, in arithmetic of whole numbers, so that nothing is drawn
    in turn and nothing has to come from the CPU.

    Args:
        seed: below 2^63.
        shape: of the tensor.
        dtype: of a floating point.
        device: where it is made.

    Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", with the mixing of
    Vigna's splitmix64.c.

    >>> uniform(1234567, [3], torch.float, torch.device("cpu"))
    tensor([0.3501, 0.1736, 0.5322])
    """
    places = torch.arange(1, prod(shape) + 1, device=device)
    # products beyond 64 bits wrap around, as they should
    mixed = places.mul_(_signed(0x9E3779B97F4A7C15)).add_(seed)
    mixed.bitwise_xor_(_shifted(mixed, 30)).mul_(_signed(0xBF58476D1CE4E5B9))
    mixed.bitwise_xor_(_shifted(mixed, 27)).mul_(_signed(0x94D049BB133111EB))
    # the last step of mixing would change lower bits alone
    return _shifted(mixed, 64 - BITS).to(dtype).mul_(2.0**-BITS).view(*shape)


def _signed(constant: int) -> int:
    """The whole number of the same 64 bits that torch can hold."""
    return constant - 2**64


def _shifted(numbers: Tensor, bits: int) -> Tensor:
    """To the right, with zeros from the left, whatever the sign."""
    return (numbers >> bits).bitwise_and_(2 ** (64 - bits) - 1)
