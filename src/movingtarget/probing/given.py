"""What a probe is given: a network, a loss, batches and an optimiser; are they what it can measure?"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.calling import original, repeatable
from movingtarget.measures.objective import tensors
from movingtarget.probing.refused import CannotMeasure
from movingtarget.probing.users_code import said

Loss = Callable[[Any, Any], Tensor]
"""(outputs, targets) -> a single number."""


class Batch(NamedTuple):
    """What a network is given, and what its loss is given besides the outputs."""

    inputs: Any
    targets: Any

    @property
    def examples(self) -> int:
        """As many as lie along the first axis of inputs, or along their second if that of targets does."""
        inputs, targets = ([value for value in tensors(held) if value.dim()] for held in self)
        if inputs and targets and inputs[0].shape[1:2] == targets[0].shape[:1] != inputs[0].shape[:1]:
            return len(targets[0])  # time comes first
        return next((len(value) for value in (*inputs, *targets)), 0)


class Subject(NamedTuple):
    """What is measured.

    Attributes:
        network: the original of a compiled one.
        loss: of outputs and targets.
        batches: of equal size, as many as planned; the last is stepped on by none.
        optimiser: of some of the network's parameters.
    """

    network: nn.Module
    loss: Loss
    batches: tuple[Batch, ...]
    optimiser: torch.optim.Optimizer

    @property
    def examples(self) -> int:
        """Of one batch."""
        return self.batches[0].examples


def checked_network(network: Any) -> nn.Module:
    """The module to be measured; of a compiled one the original.

    Raises:
        CannotMeasure: it is none, one that cannot be called with other parameters, or has none that are real
            numbers.
    """
    try:
        found = original(network)
    except (TypeError, ValueError) as error:
        raise CannotMeasure(str(error)) from error
    if next(found.parameters(), None) is None:
        raise CannotMeasure(
            f"{type(found).__name__} has no parameters; allowed: at least one layer with some"
        )
    for name, value in found.named_parameters():
        if isinstance(value, nn.parameter.UninitializedParameter):
            raise CannotMeasure(
                f"parameter '{name}' has no shape yet; allowed: a network that was called once"
            )
        if value.is_meta:
            raise CannotMeasure("the network is on the meta device; allowed: a device that holds numbers")
        if value.is_complex():
            raise CannotMeasure(f"parameter '{name}' is complex; allowed: real numbers")
    return found


def checked_loss(loss: object) -> None:
    """Refuse what cannot be called.

    Raises:
        CannotMeasure: it cannot.
    """
    if not callable(loss):
        raise CannotMeasure(f"the loss is {type(loss).__name__}; allowed: a function of outputs and targets")


def checked_optimiser(network: nn.Module, optimiser: object) -> None:
    """Refuse an optimiser that cannot step without a closure, or does not move the network.

    Raises:
        CannotMeasure: it is no optimiser, has none of the network's parameters, asks for the loss itself, or
            has no learning rate.
    """
    if not isinstance(optimiser, torch.optim.Optimizer):
        raise CannotMeasure(f"the optimiser is {type(optimiser).__name__}; allowed: a torch.optim.Optimizer")
    if isinstance(optimiser, torch.optim.LBFGS):
        raise CannotMeasure("the optimiser is LBFGS; allowed: one whose step() asks for no closure")
    own = {id(value) for value in network.parameters()}
    if not any(id(value) in own for group in optimiser.param_groups for value in group["params"]):
        raise CannotMeasure("the optimiser has none of the network's parameters; allowed: some of them")
    if any("lr" not in group for group in optimiser.param_groups):
        kind = type(optimiser).__name__
        raise CannotMeasure(f"{kind} has a group of parameters without 'lr'; allowed: a rate in each")


def taken(batches: object, count: int) -> tuple[Batch, ...]:
    """The first batches, as many as are wanted or there are; a shorter one after the first is left out.

    Raises:
        CannotMeasure: there are fewer than two, one raises, is neither a pair nor a mapping, or holds no
            tensors or one example.
    """
    if not isinstance(batches, Iterable):
        raise CannotMeasure(f"batches are {type(batches).__name__}; allowed: something to iterate over")
    found: list[Batch] = []
    for batch in islice(_pairs(batches), 4 * count):
        if found and batch.examples != found[0].examples:
            continue
        found.append(batch)
        if len(found) == count:
            break
    if found and found[0].examples < 2:
        raise CannotMeasure(
            f"the first batch has {found[0].examples} examples; allowed: tensors of two or more"
        )
    if len(found) < 2:
        raise CannotMeasure(f"there are {len(found)} batches of equal size; allowed: two or more")
    return tuple(found)


def _drawn(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches; what raises in drawing one is told in one line."""
    try:
        yield from batches
    except Exception as error:
        raise CannotMeasure(f"drawing a batch raised {said(error)}; allowed: batches") from error


def _pairs(batches: Iterable[Any]) -> Iterator[Batch]:
    for place, batch in enumerate(_drawn(batches)):
        if isinstance(batch, Mapping):
            yield Batch(batch, batch)
        elif isinstance(batch, (tuple, list)) and len(batch) == 2:
            yield Batch(*batch)
        else:
            length = f" of {len(batch)}" if isinstance(batch, (tuple, list)) else ""
            raise CannotMeasure(
                f"batch {place} is {type(batch).__name__}{length}; allowed: a pair (inputs, targets), or a "
                "mapping"
            )


def number(loss: object, place: int) -> Tensor:
    """A loss as a single number, `()`.

    Raises:
        CannotMeasure: it is something else.
    """
    if not isinstance(loss, Tensor):
        raise CannotMeasure(f"the loss is {type(loss).__name__}; allowed: a tensor of one number")
    if loss.numel() != 1:
        shape = "x".join(map(str, loss.shape))
        raise CannotMeasure(
            f"the loss of batch {place} is {shape}; allowed: a single number, such as the mean"
        )
    return loss.reshape(())


def repeated(network: nn.Module, loss: Loss) -> Loss:
    """The same loss, which draws the same random numbers whenever it is taken."""

    def same(outputs: Any, targets: Any) -> Any:
        with repeatable(network):
            return loss(outputs, targets)

    return same


@contextmanager
def kept(batches: Sequence[Batch]) -> Iterator[None]:
    """Afterwards, the tensors of batches are as before, whatever a network or loss writes to them."""
    held = [value for batch in batches for value in tensors([batch.inputs, batch.targets])]
    before = [value.detach().clone() for value in held]
    try:
        yield
    finally:
        for value, old in zip(held, before, strict=True):
            if not torch.equal(value, old):
                value.data.copy_(old)
