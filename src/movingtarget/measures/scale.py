"""Numbers brought to a common size, so that their squares neither underflow nor overflow."""

from collections.abc import Sequence

import torch
from torch import Tensor


def unit_scale(values: Tensor, axes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Values in float64 over a power of two, by which the largest is from 1/2 to 1, and that power.

    A power of two takes no digit away: what is computed of the scaled values is what would be computed of
    them as they are, but for underflow and overflow.

    Args:
        values: real numbers of any kind.
        axes: those that share a power.

    Returns:
        The values, and powers with axes of length 1; where all values are zero, or some not finite, 1.

    Raises:
        ValueError: complex values.

    >>> scaled, power = unit_scale(torch.tensor([3e-300, 1e-300], dtype=torch.double), [0])
    >>> bool(0.5 <= scaled[0] < 1), bool((scaled * power)[1] == 1e-300)
    (True, True)
    """
    if values.is_complex():
        raise ValueError(f"the values are complex ({values.dtype}); allowed: real numbers")
    if not values.numel():
        raise ValueError(f"the values are empty ({'x'.join(map(str, values.shape))}); allowed: one or more")
    # Apple's devices have no float64
    values = (values.cpu() if values.device.type == "mps" else values).double()
    largest = values.abs().amax(list(axes), keepdim=True)
    exponents = torch.frexp(largest).exponent.clamp(-1000, 1000).double()
    powers = torch.where(largest.isfinite(), torch.exp2(exponents), 1.0)
    return values / powers, powers
