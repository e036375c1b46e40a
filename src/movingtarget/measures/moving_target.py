"""How far the target moves: what a step of all layers at once promises, keeps, and changes for each layer."""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain, propagate
from movingtarget.networks.losses import differentiate, member_losses
from movingtarget.networks.stack import Parameters

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs, labels) -> the loss of each member, `(members,)`, or of one network, `()`."""


class Drops(NamedTuple):
    """What a step does to the loss of one minibatch; all axes of members are missing for one network.

    Attributes:
        joint: `(members,)`, J, of all layers moved at once.
        single: `(layers, members)`, of one layer moved alone; their sum is S.
        first_order: `(members,)`, F, the promise of the gradient.
        loss: `(members,)`, before the step.
    """

    joint: Tensor
    single: Tensor
    first_order: Tensor
    loss: Tensor


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
    inputs: Tensor,
    labels: Tensor,
    loss: Loss = member_losses,
) -> Drops:
    r"""Drops of a loss by a step: of all layers, of each layer alone, and as the gradient promises.

    $$ J = L(W) - L(W^+), \quad S = \sum_i L(W) - L(W \text{ but } W^+_i), \quad
       F = -\langle \nabla L(W), W^+ - W \rangle $$

    F is $\eta \|\nabla L\|^2$ for gradient descent. F - S is the price of each layer's own curvature, S - J
    that of the other layers having moved too. Small steps want parameters in double precision.

    Args:
        network: a chain of layers; its own parameters and buffers are left as they are. Random parts, such as
            dropout, would enter the drops: put a network that has any in eval mode.
        before: the parameters W, of one network or of a stack.
        after: the parameters W+ that any optimiser's step has led to.
        inputs: `(batch, ...)`; for a stack, `(members, batch, features)`.
        labels: what `loss` takes; `(batch,)` or `(members, batch)` for the mean cross-entropy in nats.
        loss: of each member.

    Raises:
        ValueError: layers share a parameter, or the network is not a chain.

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
    links = _links(network)
    reached = _reached(links, before, inputs)
    start = loss(reached[-1], labels)
    single = [
        start - _losses(links[place:], before | _own(link, after), reached[place], labels, loss)
        for place, link in enumerate(links)
    ]
    joint = start - _losses(links, after, inputs, labels, loss)
    gradient = gradients(network, before, inputs, labels, loss)
    promises = [
        (_vector(link, gradient) * (_vector(link, before) - _vector(link, after))).sum(-1) for link in links
    ]
    return Drops(joint, torch.stack(single), torch.stack(promises).sum(0), start)


@torch.no_grad()
def covariate_shift(
    network: nn.Module,
    before: Parameters,
    after: Parameters,
    inputs: Tensor,
    labels: Tensor,
    loss: Loss = member_losses,
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
    links = _links(network)
    gradient = gradients(network, before, inputs, labels, loss)
    reached = _reached(links, after, inputs)
    size = torch.linalg.vector_norm(_vector(links[0], gradient), dim=-1)
    shifts = [(_ratio(0 * size, size), _ratio(size, size))]
    for place, link in enumerate(links[1:], 1):
        moved = _gradients(links[place:], before, link.names.values(), reached[place], labels, loss)
        shifts.append(_compare(_vector(link, gradient), _vector(link, moved)))
    relative, cosine = zip(*shifts, strict=True)
    return Shift(torch.stack(relative), torch.stack(cosine))


@torch.no_grad()
def input_drift(network: nn.Module, before: Parameters, after: Parameters, inputs: Tensor) -> Tensor:
    r"""How far a step moves the inputs of each layer, $\|h_i(W^+) - h_i(W)\| / \|h_i(W)\|$.

    Norms are over the whole minibatch; arguments as for `drops`.

    Returns:
        `(layers, members)`; 0 for the first layer, NaN where all inputs of a layer are zero.

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> before = {"0.weight": torch.ones(1, 1), "1.weight": torch.ones(1, 1)}
    >>> after = {name: 0.9 * value for name, value in before.items()}
    >>> [round(value, 4) for value in input_drift(network, before, after, torch.ones(1, 1)).tolist()]
    [0.0, 0.1]
    """
    links = _links(network)
    members = _members(links[0], before)
    pairs = zip(_reached(links, before, inputs), _reached(links, after, inputs), strict=True)
    drifts = [_relative_change(*(value.reshape(*members, -1).double() for value in pair)) for pair in pairs]
    return torch.stack(drifts[:-1])


@torch.no_grad()
def movement(links: Sequence[Link], before: Parameters, after: Parameters) -> Tensor:
    r"""How far a step moves each layer, $\|W^+_i - W_i\| / \|W_i\|$, over all of a layer's parameters.

    Returns:
        `(layers, members)`; NaN where all parameters of a layer are zero.

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> before = {"0.weight": torch.ones(1, 1), "1.weight": torch.ones(1, 1)}
    >>> after = {name: 0.9 * value for name, value in before.items()}
    >>> [round(value, 4) for value in movement(chain(network), before, after).tolist()]
    [0.1, 0.1]
    """
    return torch.stack([_relative_change(_vector(link, before), _vector(link, after)) for link in links])


def promising_rate(loss: Tensor, gradient: Parameters, promise: float) -> Tensor:
    r"""The rate at which gradient descent promises to lower a loss by this share of itself, F = promise x L.

    $$ \eta = \text{promise} \cdot L / \|\nabla L\|^2 $$

    At equal promises steps of different networks can be compared: at equal rates F differs by orders of
    magnitude, and J cannot exceed L.

    Args:
        loss: L of each member, `(members,)`.
        gradient: by name, `(members, ...)` each.
        promise: above 0, finite.

    Returns:
        `(members,)`; NaN where no finite rate above 0 promises it, as where the gradient is zero or the loss
        not finite.

    Raises:
        ValueError: the promise is not a finite number above 0.

    >>> promising_rate(torch.tensor([2.0, 2.0]), {"w": torch.tensor([[2.0], [0.0]])}, 0.1).tolist()
    [0.05000000074505806, nan]
    """
    if not 0 < promise < float("inf"):
        raise ValueError(f"promise is {promise:g}; allowed: a finite number above 0")
    squares = [value.flatten(1).double().square().sum(-1) for value in gradient.values()]
    rate = (promise * loss.double() / torch.stack(squares).sum(0)).to(loss.dtype)
    return torch.where((rate > 0) & rate.isfinite(), rate, torch.nan)


def gradient_norms(links: Sequence[Link], gradient: Parameters) -> Tensor:
    """Euclidean norm of each layer's gradient, `(layers, members)`.

    >>> gradient = {"0.weight": torch.tensor([[3.0]]), "0.bias": torch.tensor([4.0])}
    >>> gradient_norms(chain(nn.Sequential(nn.Linear(1, 1))), gradient).tolist()
    [5.0]
    """
    return torch.stack([torch.linalg.vector_norm(_vector(link, gradient), dim=-1) for link in links])


def gradients(
    network: nn.Module, parameters: Parameters, inputs: Tensor, labels: Tensor, loss: Loss = member_losses
) -> Parameters:
    """The gradient of each member's loss with respect to all parameters; arguments as for `drops`.

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> parameters = {"0.weight": torch.tensor([[2.0]]), "1.weight": torch.tensor([[3.0]])}
    >>> def output(outputs, labels):
    ...     return outputs.mean()
    >>> found = gradients(network, parameters, torch.ones(1, 1), torch.zeros(1), output)
    >>> {name: value.item() for name, value in found.items()}
    {'0.weight': 3.0, '1.weight': 2.0}
    """
    links = _links(network)
    names = [name for link in links for name in link.names.values()]
    return _gradients(links, parameters, names, inputs, labels, loss)


def _links(network: nn.Module) -> list[Link]:
    # torch's batch norms write to their buffers even when called with parameters that are not theirs
    return chain(deepcopy(network))


def _reached(links: Sequence[Link], parameters: Parameters, inputs: Tensor) -> list[Tensor]:
    """The inputs of every layer, and the outputs of the last."""
    reached = [inputs]
    for link in links:
        reached.append(propagate([link], parameters, _copy(reached[-1])))
    return reached


def _losses(
    links: Sequence[Link], parameters: Parameters, inputs: Tensor, labels: Tensor, loss: Loss
) -> Tensor:
    return loss(propagate(links, parameters, _copy(inputs)), labels)


def _copy(inputs: Tensor) -> Tensor:
    """Inputs for layers that may begin with an operation in place."""
    return inputs.detach().clone()


@torch.enable_grad()
def _gradients(
    links: Sequence[Link],
    parameters: Parameters,
    names: Iterable[str],
    inputs: Tensor,
    labels: Tensor,
    loss: Loss,
) -> Parameters:
    """The gradient with respect to the parameters of these names, the others being constants."""
    constants = {name: value.detach() for name, value in parameters.items()}
    _, values = differentiate(
        lambda leaves: _losses(links, constants | leaves, inputs, labels, loss),
        {name: constants[name] for name in names},
    )
    return values


def _own(link: Link, parameters: Parameters) -> Parameters:
    return {name: parameters[name] for name in link.names.values()}


def _members(link: Link, parameters: Parameters) -> torch.Size:
    """The leading axes of stacked parameters; none for one network's."""
    own, name = next(iter(link.names.items()))
    value = parameters[name]
    return value.shape[: value.dim() - link.affine.get_parameter(own).dim()]


def _vector(link: Link, values: Parameters) -> Tensor:
    """All that belongs to a layer, `(members, size)`; in double precision, lest squares vanish."""
    members = _members(link, values)
    return torch.cat([value.reshape(*members, -1) for value in _own(link, values).values()], -1).double()


def _compare(old: Tensor, new: Tensor) -> tuple[Tensor, Tensor]:
    """Relative norm of the change from vectors to others, and their cosine."""
    sizes = torch.linalg.vector_norm(old, dim=-1) * torch.linalg.vector_norm(new, dim=-1)
    return _relative_change(old, new), _ratio((old * new).sum(-1), sizes)


def _relative_change(old: Tensor, new: Tensor) -> Tensor:
    return _ratio(torch.linalg.vector_norm(new - old, dim=-1), torch.linalg.vector_norm(old, dim=-1))


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """The quotient; NaN for a denominator of zero."""
    return torch.where(denominator > 0, numerator / denominator, torch.nan)
