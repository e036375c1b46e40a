"""What one pass forward and one backward tell of every layer."""

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from movingtarget.measures.calling import call, copied
from movingtarget.measures.effective_rank import relative_effective_rank
from movingtarget.measures.gradient_correlation import gradient_correlation
from movingtarget.measures.layers import noting
from movingtarget.measures.mutual_information.pairwise import pairwise_channel
from movingtarget.measures.objective import tensors
from movingtarget.probing.given import Batch, Loss, number
from movingtarget.probing.refused import CannotMeasure

NOISE = 0.1
"""Through which a layer is read, per unit, where the mean square of all its outputs together is 1."""

NEAR_THE_END = 0.95
"""From this share of the way to a bounded activation's end on, an output counts as saturated."""

ENDS: Mapping[type[nn.Module], tuple[float, float]] = {
    nn.Tanh: (-1, 1),
    nn.Sigmoid: (0, 1),
    nn.Hardtanh: (-1, 1),
    nn.Hardsigmoid: (0, 1),
    nn.Softsign: (-1, 1),
}
"""Between which the outputs of an activation lie."""

CHANNELS_FIRST = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
)
"""Modules whose units are the second axis; of others they are the last."""


class Seen(NamedTuple):
    """What a batch told.

    Attributes:
        loss: `()`.
        outputs: what the network returned.
        gradient: of the loss by parameter's name; None for one that the loss does not depend on.
        quantities: by quantity and module.
        first: the outputs of the first module with parameters.
        entered: the names of the modules that the network entered, in that order.
    """

    loss: Tensor
    outputs: Any
    gradient: dict[str, Tensor | None]
    quantities: dict[str, dict[str, float]]
    first: Tensor | None
    entered: list[str]


def observed(network: nn.Module, loss: Loss, batch: Batch, place: int) -> Seen:
    """Pass a batch forward and backward once; look at what modules with parameters of their own put out.

    Args:
        network: in its own mode; left as it is.
        loss: of outputs and targets.
        batch: one.
        place: its number, for what is said of it.

    Raises:
        CannotMeasure: the loss is not a finite number, or depends on no parameter.
    """
    outputs: dict[str, list[Tensor]] = {}
    ends: dict[str, list[float]] = {}
    with ExitStack() as hooks, torch.enable_grad(), noting(network) as entered:
        _watch(network, outputs, ends, hooks)
        returned = call(network, {}, copied(batch.inputs))
        value = number(loss(returned, batch.targets), place)
    check_finite(value, outputs, batch, place)
    own = {name: leaf for name, leaf in network.named_parameters() if leaf.requires_grad}
    if not value.requires_grad or not own:
        raise CannotMeasure(
            "the loss depends on no parameter of the network; allowed: one that can be trained"
        )
    seen = [output for calls in outputs.values() for output in calls if output.requires_grad]
    found = torch.autograd.grad(value, [*own.values(), *seen], allow_unused=True)
    gradient: dict[str, Tensor | None] = dict(zip(own, found[: len(own)], strict=True))
    of_outputs = {id(output): slope for output, slope in zip(seen, found[len(own) :], strict=True)}
    quantities = _of_outputs(network, outputs, of_outputs, batch.examples)
    quantities["saturated_share"] = {name: sum(shares) / len(shares) for name, shares in ends.items()}
    first = next((calls[0].detach() for calls in outputs.values()), None)
    return Seen(value.detach(), returned, gradient, quantities, first, [*entered])


def _watch(
    network: nn.Module,
    outputs: dict[str, list[Tensor]],
    ends: dict[str, list[float]],
    hooks: ExitStack,
) -> None:
    """Keep what modules with parameters put out, and how much of what follows each is saturated."""
    last = [""]

    def keep(name: str) -> Callable[..., Any]:
        def hook(part: nn.Module, inputs: Any, output: Any) -> Any:
            last[0] = name
            held = next((value for value in tensors(output) if value.is_floating_point()), None)
            if held is None:
                return None
            outputs.setdefault(name, []).append(held)
            # a copy goes on, which may be changed in place
            return held.clone() if isinstance(output, Tensor) else None

        return hook

    def look(low: float, high: float) -> Callable[..., None]:
        def hook(part: nn.Module, inputs: Any, output: Tensor) -> None:
            middle, half = (high + low) / 2, (high - low) / 2
            far = (output.detach() - middle).abs() > NEAR_THE_END * half
            ends.setdefault(last[0], []).append(far.double().mean().item())

        return hook

    for name, part in network.named_modules():
        if part.__class__ in ENDS:
            hooks.callback(part.register_forward_hook(look(*ENDS[type(part)])).remove)
        elif (name or not [*part.children()]) and _may_be_layer(part):
            hooks.callback(part.register_forward_hook(keep(name)).remove)


def _may_be_layer(part: nn.Module) -> bool:
    return is_parametrized(part) or next(part.parameters(recurse=False), None) is not None


def check_finite(loss: Tensor, outputs: Mapping[str, list[Tensor]], batch: Batch, place: int) -> None:
    """See that a loss is a finite number.

    Raises:
        CannotMeasure: it is not; names the batch, or the first layer, that is to blame.
    """
    if loss.isfinite():
        return
    for value in tensors([batch.inputs, batch.targets]):
        if value.is_floating_point() and not value.isfinite().all():
            raise CannotMeasure(f"batch {place} holds numbers that are not finite; allowed: finite ones")
    for name, calls in outputs.items():
        if not all(output.isfinite().all() for output in calls):
            raise CannotMeasure(
                f"the loss of batch {place} is {loss.item()}, and layer '{name}' is the first whose outputs "
                "are not finite; allowed: a finite loss"
            )
    raise CannotMeasure(f"the loss of batch {place} is {loss.item()}; allowed: a finite loss")


def _of_outputs(
    network: nn.Module,
    outputs: Mapping[str, list[Tensor]],
    slopes: Mapping[int, Tensor | None],
    examples: int,
) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {
        name: {}
        for name in (
            "activation_size",
            "information_kept",
            "dead_share",
            "gradient_rank",
            "gradient_correlation",
        )
    }
    for name, calls in outputs.items():
        if any(output.dim() < 2 or len(output) != examples for output in calls):
            continue
        table = torch.cat([output.detach().flatten(1) for output in calls], 1).double()
        if not table.isfinite().all():
            continue
        found["activation_size"][name] = table.square().mean().sqrt().item()
        found["information_kept"][name] = information_kept(table)
        of_calls = [slopes.get(id(output)) for output in calls]
        if any(slope is None for slope in of_calls):
            continue
        given = [slope for slope in of_calls if slope is not None]
        axis = 1 if isinstance(network.get_submodule(name), CHANNELS_FIRST) else -1
        found["dead_share"][name] = dead_share(given, axis)
        flat = torch.cat([slope.flatten(1) for slope in given], 1).double()
        if flat.any():
            found["gradient_correlation"][name] = gradient_correlation(flat).correlation.item()
            found["gradient_rank"][name] = relative_effective_rank(flat, seed=0).item()
    return found


def information_kept(table: Tensor) -> float:
    r"""How many examples can be told apart by a layer's outputs, through noise of a tenth of their size.

    The lower bound of the information on which example it is, over $\ln n$: 1 if all are told apart, 0 if all
    outputs are alike.

    Args:
        table: `(examples, units)`, float64.

    Source: Kolchinsky & Tracey 2017, equation 10.

    >>> information_kept(torch.eye(4, dtype=torch.double)) > 0.99
    True
    >>> information_kept(torch.ones(4, 3, dtype=torch.double))
    0.0
    """
    size = table.square().sum(1).mean().sqrt()
    if not size > 0 or (table == table[0]).all():
        return 0.0
    return max(pairwise_channel(table / size, NOISE).lower, 0.0) / math.log(len(table))


def dead_share(slopes: list[Tensor], axis: int) -> float:
    """Share of units whose gradient is zero for every example, at every place and in every call.

    >>> dead_share([torch.tensor([[0.0, 1.0], [0.0, 0.0]])], axis=1)
    0.5
    """
    alive = [slope.movedim(axis, 0).flatten(1).any(1) for slope in slopes]
    return 1 - torch.stack(alive).any(0).double().mean().item()
