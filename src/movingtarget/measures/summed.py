"""The gradient of a network's summed outputs, where it is what one example's outputs say of that example."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from movingtarget.measures.calling import call
from movingtarget.measures.ours import ours
from movingtarget.networks.stack import Parameters

PlacesOf = Callable[[Any], tuple[Tensor, Sequence[Tensor]]]

ROUNDING = 8
"""In units of a number's precision: so small beside the outputs' own gradients is one made by rounding."""


def summed_gradients(
    network: nn.Module, parameters: Parameters, inputs: Any, places_of: PlacesOf, *, stacked: bool
) -> list[Tensor]:
    r"""Gradients of a network's summed outputs at several places that they are computed through.

    $$ \partial \sum_{i p} f_p(x_i) / \partial z $$

    belongs to example i alone if no other example's outputs depend on what it passes through: the gradient of
    every other example's outputs must be zero at those between. That gradient is taken of outputs with
    random signs; where the plain sum's is smaller than its rounding, the outputs add up to a constant, as
    those of a softmax do, and the gradient is set to zero, with a warning. Networks of our families, in eval
    mode, need neither.

    Args:
        network: as `calling.call` takes it, and so what follows.
        parameters: in the place of its own, on the way back as well, where a checkpoint computes anew.
        inputs: that it is called with.
        places_of: what the network returns -> outputs, `(examples, ...)` or `(members, examples, ...)`, and
            tensors that they were computed through, examples first as well where they have them.
        stacked: whether there is an axis of members.

    Raises:
        ValueError: the outputs have no derivative, or examples depend on each other.
    """
    checked = not (ours(network) and not network.training)

    def derive(returned: Any) -> list[Tensor]:
        outputs, places = places_of(returned)
        return _derived(outputs, places, int(stacked), checked and not outputs.is_meta)

    named = {f"network.{name}": value for name, value in parameters.items()}
    found: list[Tensor] = call(_Then(network, derive), named, inputs)
    return found


class _Then(nn.Module):
    """A network, and what is done with its outputs while its parameters are replaced."""

    def __init__(self, network: nn.Module, work: Callable[[Any], Any]) -> None:
        super().__init__()
        self.network, self.work, self.training = network, work, network.training

    def forward(self, *places: Any, **names: Any) -> Any:
        return self.work(self.network(*places, **names))


def _derived(outputs: Tensor, places: Sequence[Tensor], axis: int, checked: bool) -> list[Tensor]:
    if not places:
        return []
    if not outputs.requires_grad:
        raise ValueError(
            f"the network's outputs ({outputs.dtype}) have no derivative; allowed: outputs that are computed "
            "from floating-point numbers, neither detached nor under no_grad"
        )
    gradients = _gradients(outputs.sum(), places, retain_graph=checked)
    return _looked_at(outputs, places, gradients, axis) if checked else gradients


def _looked_at(outputs: Tensor, places: Sequence[Tensor], gradients: list[Tensor], axis: int) -> list[Tensor]:
    """The gradients, less what is rounding, if examples do not depend on each other."""
    alone = outputs.shape[axis] == 1
    signs = _signs(outputs)
    if not alone:
        _even(signs, axis).zero_()
    signed = _gradients((outputs * signs).sum(), places)
    if not alone and any(_reaches(gradient, outputs.shape[axis], axis) for gradient in signed):
        raise ValueError(
            "the outputs of some examples depend on other examples; allowed: examples along the first axis, "
            "each by itself (batch norm in eval mode; statistics of one's own detached)"
        )
    constant = _constant(outputs.detach(), axis)
    kept = [
        _without_rounding(gradient, other, axis, constant)
        for gradient, other in zip(gradients, signed, strict=True)
    ]
    if any(new is not old for new, old in zip(kept, gradients, strict=True)):
        warnings.warn(
            "the network's outputs add up to a constant (does it end in a softmax?): their sum has no "
            "gradient, taken as zero; measure the network without its last layer",
            stacklevel=2,
        )
    return kept


def _gradients(total: Tensor, places: Sequence[Tensor], retain_graph: bool = False) -> list[Tensor]:
    """At each place; zero where the outputs do not depend on it."""
    return list(torch.autograd.grad(total, places, retain_graph=retain_graph, materialize_grads=True))


def _signs(outputs: Tensor) -> Tensor:
    drawn = torch.randint(2, outputs.shape, generator=torch.Generator().manual_seed(0))
    return (2 * drawn - 1).to(outputs)


def _even(values: Tensor, axis: int) -> Tensor:
    """Examples 0, 2, 4 and so on."""
    return values[:, ::2] if axis else values[::2]


def _odd(values: Tensor, axis: int) -> Tensor:
    """Examples 1, 3, 5 and so on; the one that there is if there is no other."""
    start = min(1, values.shape[axis] - 1)
    return values[:, start::2] if axis else values[start::2]


def _reaches(gradient: Tensor, examples: int, axis: int) -> bool:
    """Whether the gradient of odd examples' outputs is anything at even ones."""
    if gradient.dim() <= axis or gradient.shape[axis] != examples:
        return False
    others = _even(gradient, axis)
    return bool(((others != 0) & others.isfinite()).any())


def _constant(outputs: Tensor, axis: int) -> Tensor:
    """Of each member, whether outputs that differ between examples have equal sums: `(members,)` or `()`."""
    values = outputs.double().flatten(axis + 1) if outputs.dim() > axis + 1 else outputs.double()[..., None]
    sums = values.sum(-1)
    rounding = torch.finfo(outputs.dtype).eps * values.abs().sum(-1).mean(axis)
    spread = (values.amax(axis) - values.amin(axis)).square().sum(-1).sqrt()
    left = sums.amax(axis) - sums.amin(axis)
    return (left <= 8 * ROUNDING * rounding) & (spread >= 1000 * torch.maximum(left, rounding))


def _without_rounding(gradient: Tensor, signed: Tensor, axis: int, constant: Tensor) -> Tensor:
    """The gradient, or zero where it is smaller than the rounding of a sum that is constant."""
    if gradient.dim() <= axis:
        return gradient
    sizes = [_size(_odd(each, axis), axis) for each in (gradient, signed)]
    least = torch.where(constant, 0.1, ROUNDING * torch.finfo(gradient.dtype).eps)
    rounded = (sizes[0] > 0) & (sizes[0] <= least * sizes[1]) & sizes[1].isfinite()
    if not rounded.any():
        return gradient
    return torch.where(rounded.view(rounded.shape + (1,) * (gradient.dim() - axis)), 0.0, gradient)


def _size(values: Tensor, axis: int) -> Tensor:
    """Norms of each member's values, in float64."""
    norms: Tensor = torch.linalg.vector_norm(values.double(), dim=tuple(range(axis, values.dim())))
    return norms
