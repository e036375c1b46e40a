"""How learning rates change in the course of a training."""

from collections.abc import Callable

Schedule = Callable[[int], float]
"""The factor of all learning rates at a step, the first being step 0."""


def constant(step: int) -> float:
    """No change."""
    return 1.0


def rise_and_fall(place: int, length: int, rise: float) -> float:
    r"""A linear rise from zero and a linear fall to nearly zero, of `length` places in all.

    $$ \frac{e}{w} \;\text{for } e < w, \quad 1 - \frac{e + 1 - w}{n - w} \;\text{from there on} $$

    Args:
        place: e, from 0: an epoch, or a step.
        length: n; the factor is zero at the last place.
        rise: w, how many of them the rise takes.

    Source: Amid, Anil & Warmuth 2022, the authors' notebook: 99 epochs of n = 100, w = 5.

    >>> [round(rise_and_fall(epoch, 100, 5), 4) for epoch in (0, 1, 4, 5, 98)]
    [0.0, 0.2, 0.8, 0.9895, 0.0105]
    """
    return place / rise if place < rise else 1 - (place + 1 - rise) / (length - rise)
