"""A training in parts, where a device has no room for the whole stack."""

from collections.abc import Callable
from dataclasses import replace

import torch

from movingtarget.training.loop import Rows, State, Training, train


def rows_in_parts(
    training: Training, start_of: Callable[[Training], State], say: Callable[[str], None] = lambda line: None
) -> Rows:
    """The rows of a training from its start, of all members at once, or of as many as there is memory for.

    A stack that is too large for its device is halved, and each half again. Members do not feel each other,
    so that no row changes but by what other shapes round differently.

    Args:
        training: the plan.
        start_of: the state before its first step.
        say: called with lines of progress.

    Raises:
        torch.OutOfMemoryError: there is no room for a single member.
    """
    try:
        return train(training, start_of(training), say=say).rows
    except torch.OutOfMemoryError:
        if len(training.members) == 1:
            raise
    say(f"no room for {len(training.members)} members at once: each half in turn")
    # outside the handler, which holds the tensors of what was tried
    return [row for half in halves(training) for row in rows_in_parts(half, start_of, say)]


def halves(training: Training) -> list[Training]:
    """Two trainings of half the learning rates each, or of half the seeds if there is but one rate."""
    if (rates := training.learning_rates)[1:]:
        middle = len(rates) // 2
        return [replace(training, learning_rates=part) for part in (rates[:middle], rates[middle:])]
    middle = len(training.seeds) // 2
    return [replace(training, seeds=part) for part in (training.seeds[:middle], training.seeds[middle:])]
