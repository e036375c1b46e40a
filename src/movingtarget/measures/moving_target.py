"""How far the target moves: what a step of all layers at once promises, keeps, and changes for each layer."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.calling import original, plain_name
from movingtarget.measures.layers import Layers
from movingtarget.measures.objective import Loss, Losses, both, complete, objective
from movingtarget.networks.chain import is_ours
from movingtarget.networks.stack import Parameters


class Drops(NamedTuple):
    """What a step does to the loss of one minibatch; all axes of members are missing for one network.

    Attributes:
        joint: `(members,)`, J, of all layers moved at once.
        single: `(layers, members)`, of one layer moved alone; their sum is S.
        first_order: `(members,)`, F, the promise of the gradient.
        loss: `(members,)`, before the step.
        promises: `(layers, members)`, each layer's part of F.
    """

    joint: Tensor
    single: Tensor
    first_order: Tensor
    loss: Tensor
    promises: Tensor


class Shift(NamedTuple):
    """How a layer's gradient changes when the layers below have moved, `(layers, members)` each.

    Attributes:
        relative: norm of the change, in norms of the gradient.
        cosine: between both gradients.
    """

    relative: Tensor
    cosine: Tensor


@torch.no_grad()
def drops(
    network: nn.Module,
    before: Parameters,
    after: Parameters,
    inputs: Any,
    labels: Any,
    loss: Loss | None = None,
    *,
    stacked: bool = False,
    layers: Layers | Sequence[str] | None = None,
) -> Drops:
    r"""Drops of a loss by a step: of all layers, of each layer alone, and as the gradient promises.

    $$ J = L(W) - L(W^+), \quad S = \sum_i L(W) - L(W \text{ but } W^+_i), \quad
       F = -\langle \nabla L(W), W^+ - W \rangle $$

    F is $\eta \|\nabla L\|^2$ for gradient descent. F - S is the price of each layer's own curvature, S - J
    that of the other layers having moved too. Small steps want parameters in double precision.

    Args:
        network: any module, in its own mode; it is left as it is. Random parts, such as dropout, draw the
            same numbers in every evaluation.
        before: the parameters W by name; those not given are the network's own.
        after: the parameters W+ that any optimiser's step has led to; those not given do not move.
        inputs: a tensor, a tuple or list of arguments, or arguments by name; for a stack
            `(members, batch, features)`.
        labels: what `loss` takes; `(batch,)`, or `(members, batch)` for a stack, if it is not given.
        loss: `loss(outputs, labels)`, the mean cross-entropy in nats unless given.
        stacked: whether parameters are those of a stack of members of one of our families.
        layers: what is moved alone: names of parts, or names of parameters by layer; unless given, each
            module that owns parameters (`layers.layers_of`).

    Raises:
        ValueError: one line that names an unknown layer or parameter, a parameter of another shape than the
            network's own, or what the loss returned if it is no single number.
        TypeError: the network is no torch module whose parameters can be replaced (TorchScript's cannot).

    The output x w1 w2 of two linear units falls from 1 to 0.81 when both weights fall to 0.9:

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> before = {"0.weight": torch.ones(1, 1), "1.weight": torch.ones(1, 1)}
    >>> after = {name: 0.9 * value for name, value in before.items()}
    >>> def output(outputs, labels):
    ...     return outputs.mean()
    >>> found = drops(network, before, after, torch.ones(1, 1), torch.zeros(1), output)
    >>> [round(value, 4) for value in found.single.tolist()]
    [0.1, 0.1]
    >>> round(found.joint.item(), 4), round(found.first_order.item(), 4)
    (0.19, 0.2)
    """
    before, after = both(network, before, after, stacked)
    with objective(network, before, inputs, labels, loss, stacked, layers) as of:
        start, gradient = slopes(of.losses, before, _names(of.layers))
        single = [
            start - losses(before | {name: after[name] for name in own})
            for own, losses in zip(of.layers.values(), of.above(before), strict=True)
        ]
        joint = start - of.losses(before | {name: after[name] for name in gradient})
    promises = [
        (
            _vector(own, gradient, stacked) * (_vector(own, before, stacked) - _vector(own, after, stacked))
        ).sum(-1)
        for own in of.layers.values()
    ]
    return Drops(joint, torch.stack(single), torch.stack(promises).sum(0), start, torch.stack(promises))


@torch.no_grad()
def covariate_shift(
    network: nn.Module,
    before: Parameters,
    after: Parameters,
    inputs: Any,
    labels: Any,
    loss: Loss | None = None,
    *,
    stacked: bool = False,
    layers: Layers | Sequence[str] | None = None,
) -> Shift:
    r"""Internal covariate shift: how the layers below, once moved, change the gradient of each layer.

    $$ G_i = \nabla_{W_i} L(W_1, \dots, W_k), \quad
       G'_i = \nabla_{W_i} L(W^+_1, \dots, W^+_{i-1}, W_i, \dots, W_k) $$

    $\|G_i - G'_i\| / \|G_i\|$ and the cosine of both. Nothing lies below the first layer: 0 and 1. NaN where
    a gradient is zero, which leaves it undefined.

    Args:
        network: as for `drops`, and so all that follows.
        before: the parameters W.
        after: the parameters W+.
        inputs: of the minibatch that the step came from, as in the definition, or of a fresh one, on which no
            layer has yet done what the gradient asks for.
        labels: of that minibatch.
        loss: of each member.
        stacked: whether parameters are those of a stack.
        layers: whose gradients are compared.

    Source: Santurkar et al. 2018, definition 2.1.

    The gradient of x w1 w2 with respect to w2 is x w1, which follows w1 from 1 to 0.9:

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> before = {"0.weight": torch.ones(1, 1), "1.weight": torch.ones(1, 1)}
    >>> after = {name: 0.9 * value for name, value in before.items()}
    >>> def output(outputs, labels):
    ...     return outputs.mean()
    >>> found = covariate_shift(network, before, after, torch.ones(1, 1), torch.zeros(1), output)
    >>> [round(value, 4) for value in [*found.relative.tolist(), *found.cosine.tolist()]]
    [0.0, 0.1, 1.0, 1.0]
    """
    before, after = both(network, before, after, stacked)
    with objective(network, before, inputs, labels, loss, stacked, layers) as of:
        _, gradient = slopes(of.losses, before, _names(of.layers))
        owned, above, moved = [*of.layers.values()], of.above(after), dict(before)
        size = torch.linalg.vector_norm(_vector(owned[0], gradient, stacked), dim=-1)
        shifts = [(_ratio(0 * size, size), _ratio(size, size))]
        for place, own in enumerate(owned[1:], 1):
            moved |= {name: after[name] for name in owned[place - 1]}
            _, changed = slopes(above[place], moved, own)
            shifts.append(_compare(_vector(own, gradient, stacked), _vector(own, changed, stacked)))
    relative, cosine = zip(*shifts, strict=True)
    return Shift(torch.stack(relative), torch.stack(cosine))


@torch.no_grad()
def input_drift(
    network: nn.Module,
    before: Parameters,
    after: Parameters,
    inputs: Any,
    *,
    stacked: bool = False,
    layers: Layers | Sequence[str] | None = None,
) -> Tensor:
    r"""How far a step moves the inputs of each layer, $\|h_i(W^+) - h_i(W)\| / \|h_i(W)\|$.

    Norms are over all numbers that enter the layer for the minibatch; arguments as for `drops`.

    Returns:
        `(layers, members)`; 0 for the first layer, NaN where all inputs of a layer are zero. Of a layer that
        is never called, such as a list of parameters, it is that of the part around it.

    Raises:
        ValueError: as `drops`; or a layer is no part of the network.

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> before = {"0.weight": torch.ones(1, 1), "1.weight": torch.ones(1, 1)}
    >>> after = {name: 0.9 * value for name, value in before.items()}
    >>> [round(value, 4) for value in input_drift(network, before, after, torch.ones(1, 1)).tolist()]
    [0.0, 0.1]
    """
    before, after = both(network, before, after, stacked)
    with objective(network, before, inputs, None, None, stacked, layers) as of:
        pairs = zip(of.reached(before), of.reached(after), strict=True)
        drifts = [_relative_change(*pair) for pair in pairs]
    return torch.stack(drifts)


def movement(layers: Layers, before: Parameters, after: Parameters, *, stacked: bool = False) -> Tensor:
    r"""How far a step moves each layer, $\|W^+_i - W_i\| / \|W_i\|$, over all of a layer's parameters.

    Returns:
        `(layers, members)`; NaN where all parameters of a layer are zero.

    >>> layers = {"first": ["0.weight"], "second": ["1.weight", "1.bias"]}
    >>> before = {"0.weight": torch.ones(2, 2), "1.weight": torch.ones(1, 2), "1.bias": torch.ones(1)}
    >>> after = {name: 0.9 * value for name, value in before.items()}
    >>> [round(value, 4) for value in movement(layers, before, after).tolist()]
    [0.1, 0.1]
    """
    old, new = ({plain_name(name): value for name, value in values.items()} for values in (before, after))
    moved = [
        _relative_change(_vector(own, old, stacked), _vector(own, new, stacked)) for own in layers.values()
    ]
    return torch.stack(moved)


def promising_rate(loss: Tensor, gradient: Parameters, promise: float, *, stacked: bool = False) -> Tensor:
    r"""The rate at which gradient descent promises to lower a loss by this share of itself, F = promise x L.

    $$ \eta = \text{promise} \cdot L / \|\nabla L\|^2 $$

    At equal promises steps of different networks can be compared: at equal rates F differs by orders of
    magnitude, and J cannot exceed L.

    Args:
        loss: L, `()`; of a stack, `(members,)`.
        gradient: by name; of a stack, `(members, ...)` each.
        promise: above 0, finite.
        stacked: whether these are of a stack of members.

    Returns:
        Of the loss's shape; NaN where no finite rate above 0 promises it, as where the gradient is zero or
        the loss not finite.

    Raises:
        ValueError: the promise is not a finite number above 0, or the loss is of another shape.

    >>> promising_rate(torch.tensor(2.0), {"w": torch.tensor([2.0, 0.0])}, 0.1).item()
    0.05000000074505806
    """
    if not 0 < promise < float("inf"):
        raise ValueError(f"promise is {promise:g}; allowed: a finite number above 0")
    if loss.dim() != int(stacked):
        allowed = "(members,)" if stacked else "(); of a stack of members, say stacked=True"
        raise ValueError(f"the loss has shape {tuple(loss.shape)}; allowed: {allowed}")
    squares = _vector([*gradient], gradient, stacked).square().sum(-1)
    rate = (promise * loss.double() / squares).to(loss.dtype)
    return torch.where((rate > 0) & rate.isfinite(), rate, torch.nan)


def gradient_norms(layers: Layers, gradient: Parameters, *, stacked: bool = False) -> Tensor:
    """Euclidean norm of each layer's gradient, `(layers, members)`.

    >>> gradient = {"0.weight": torch.tensor([[3.0]]), "0.bias": torch.tensor([4.0])}
    >>> gradient_norms({"0": ["0.weight", "0.bias"]}, gradient).tolist()
    [5.0]
    """
    norms = [torch.linalg.vector_norm(_vector(own, gradient, stacked), dim=-1) for own in layers.values()]
    return torch.stack(norms)


def gradients(
    network: nn.Module,
    parameters: Parameters,
    inputs: Any,
    labels: Any,
    loss: Loss | None = None,
    *,
    stacked: bool = False,
) -> Parameters:
    """The gradient of the loss with respect to all parameters given; arguments as for `drops`.

    That of a parameter which the loss does not depend on is zero.

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> parameters = {"0.weight": torch.tensor([[2.0]]), "1.weight": torch.tensor([[3.0]])}
    >>> def output(outputs, labels):
    ...     return outputs.mean()
    >>> found = gradients(network, parameters, torch.ones(1, 1), torch.zeros(1), output)
    >>> {name: value.item() for name, value in found.items()}
    {'0.weight': 3.0, '1.weight': 2.0}
    """
    network = original(network)
    own = dict(network.named_parameters())
    whole = complete(network, parameters, stacked)
    names = [name for name in map(plain_name, parameters) if name in own]
    # no need to look for its layers
    layers: Layers | None = None if is_ours(network) else {"": [*own]}
    with objective(network, whole, inputs, labels, loss, stacked, layers) as of:
        return slopes(of.losses, whole, names)[1]


@torch.enable_grad()
def slopes(losses: Losses, parameters: Parameters, names: Iterable[str]) -> tuple[Tensor, Parameters]:
    """The losses, and their gradient with respect to the parameters of these names, the others constant."""
    leaves = {name: parameters[name].detach().requires_grad_() for name in names}
    found = losses(parameters | leaves)
    if not found.requires_grad:
        return found, {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
    # members share no parameter, so the gradient of the sum holds each one's own
    values = torch.autograd.grad(found.sum(), [*leaves.values()], materialize_grads=True)
    return found.detach(), dict(zip(leaves, values, strict=True))


def _names(layers: Layers) -> list[str]:
    return [name for own in layers.values() for name in own]


def _vector(names: Iterable[str], values: Parameters, stacked: bool) -> Tensor:
    """All of these names, `(size,)` or `(members, size)`; in double precision, lest squares vanish."""
    parts = [values[name].detach().double() for name in names]
    return torch.cat([part.reshape(*part.shape[: int(stacked)], -1) for part in parts], -1)


def _compare(old: Tensor, new: Tensor) -> tuple[Tensor, Tensor]:
    """Relative norm of the change from vectors to others, and their cosine."""
    sizes = torch.linalg.vector_norm(old, dim=-1) * torch.linalg.vector_norm(new, dim=-1)
    return _relative_change(old, new), _ratio((old * new).sum(-1), sizes)


def _relative_change(old: Tensor, new: Tensor) -> Tensor:
    return _ratio(torch.linalg.vector_norm(new - old, dim=-1), torch.linalg.vector_norm(old, dim=-1))


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The quotient; NaN for a denominator of zero."""
    return torch.where(denominator > 0, numerator / denominator, torch.nan)
