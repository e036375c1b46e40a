"""How a probe spends the passes that it is allowed."""

from typing import NamedTuple

from movingtarget.probing.refused import CannotMeasure

LEAST_BLOCKS = 2
"""So many stretches of layers at least are moved alone."""

MOST_BATCHES, MOST_STEPS = 5, 5

ITERATIONS = 6
"""Of Lanczos."""

CHECKS = 1
"""Passes forward that verify what looks like a finding."""

TRIALS, KNOWN_FIRST = 6, 4
"""Trials, and those whose first step is by a gradient that is known already."""


class Plan(NamedTuple):
    """What is measured how often.

    Attributes:
        blocks: layers, or stretches of them, that are moved alone.
        batches: read, and stepped on.
        shifts: batches on which it is measured how far targets move.
        steps: of each trial.
    """

    blocks: int
    batches: int = 3
    shifts: int = 1
    steps: int = 3

    @property
    def read(self) -> int:
        """Batches needed: one more, which no step is made on."""
        return self.batches + 1

    @property
    def forward(self) -> int:
        """Passes forward at most."""
        # as the optimiser steps, and once at a matched promise
        moved = (self.batches + 1) * (1 + self.blocks)
        return self.batches + moved + self.shifts * (self.blocks - 1) + 2 + self._tried + TRIALS + 1 + CHECKS

    @property
    def backward(self) -> int:
        """Passes backward at most, a product with the Hessian counted as two."""
        curved = 1 + 2 * ITERATIONS + 1 + 2
        return self.batches + self.shifts * (self.blocks - 1) + curved + self._tried

    @property
    def _tried(self) -> int:
        """Passes forward and backward of all trials' steps."""
        return TRIALS * self.steps - KNOWN_FIRST


def planned(layers: int, passes: int) -> Plan:
    """The most that can be measured of so many layers by so many passes forward, and as many backward.

    First each layer is to be moved alone; then how far targets move is measured on more batches; then more
    batches are read; then trials take more steps.

    Raises:
        CannotMeasure: they are too few.

    >>> planned(layers=4, passes=50)
    Plan(blocks=4, batches=3, shifts=1, steps=3)
    >>> planned(layers=50, passes=50).blocks
    4
    """
    least = Plan(min(layers, LEAST_BLOCKS))
    if not _fits(least, passes):
        needed = max(least.forward, least.backward)
        raise CannotMeasure(f"passes is {passes}; allowed: at least {needed}")
    found = _grown(least, "blocks", layers, passes)
    found = _grown(found, "shifts", found.batches, passes)
    found = _grown(found, "batches", MOST_BATCHES, passes)
    found = _grown(found, "shifts", found.batches, passes)
    return _grown(found, "steps", MOST_STEPS, passes)


def _grown(plan: Plan, name: str, most: int, passes: int) -> Plan:
    """The plan with as much of one thing as there are passes for."""
    for value in range(getattr(plan, name) + 1, most + 1):
        larger = plan._replace(**{name: value})
        plan = larger if _fits(larger, passes) else plan
    return plan


def _fits(plan: Plan, passes: int) -> bool:
    return max(plan.forward, plan.backward) <= passes
