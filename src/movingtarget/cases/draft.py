"""What a case is made of, before its optimiser is there."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor, nn, optim

Loss = Callable[[Tensor, Tensor], Tensor]
Batches = Sequence[tuple[Tensor, Tensor]]

OPTIMISERS: dict[str, Callable[..., optim.Optimizer]] = {
    "sgd": optim.SGD,
    "momentum": lambda parameters, lr: optim.SGD(parameters, lr, momentum=0.9),
    "adam": optim.AdamW,
}


class Draft(NamedTuple):
    """A network and how it is to be trained; faults are put in here.

    Attributes:
        network: in training mode.
        loss: a single number of outputs and labels.
        batches: images `(batch, 1, side, side)` and labels `(batch,)`.
        optimiser: one of `OPTIMISERS`.
        learning_rate: of it.
        middle: the name of a module through whose output all information goes.
        left_out: names of parameters that the optimiser is not given.
    """

    network: nn.Module
    loss: Loss
    batches: Batches
    optimiser: str
    learning_rate: float
    middle: str
    left_out: tuple[str, ...] = ()


class Case(NamedTuple):
    """A network, its loss, its batches and its optimiser: what a tool is given."""

    network: nn.Module
    loss: Loss
    batches: Batches
    optimiser: optim.Optimizer


def case_of(draft: Draft) -> Case:
    """The case, with a fresh optimiser of all parameters but those left out."""
    moved = [value for name, value in draft.network.named_parameters() if name not in draft.left_out]
    optimiser = OPTIMISERS[draft.optimiser](moved, lr=draft.learning_rate)
    return Case(draft.network, draft.loss, draft.batches, optimiser)
