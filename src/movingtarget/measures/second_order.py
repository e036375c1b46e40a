"""What the second order foretells of a step: the price of own curvature, and of the others having moved."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.layers import Layers
from movingtarget.measures.objective import Loss, both, objective
from movingtarget.networks.stack import Parameters


class Prices(NamedTuple):
    """What a step costs of its promise, to second order; without the members' axis for one network.

    Attributes:
        own: `(layers, members)`, by each layer's own curvature; their sum foretells F - S.
        others: `(members,)`, by the other layers having moved too; foretells S - J.
    """

    own: Tensor
    others: Tensor


def prices(
    network: nn.Module,
    before: Parameters,
    after: Parameters,
    inputs: Any,
    labels: Any,
    loss: Loss | None = None,
    *,
    stacked: bool = False,
    layers: Layers | Sequence[str] | None = None,
) -> Prices:
    r"""Prices of a step s = W+ - W to second order, in the names of `measures.moving_target.drops`.

    $$ F - S = \tfrac12 \sum_i s_i^T H_{ii} s_i + O(\|s\|^3), \quad
       S - J = \tfrac12 \sum_{i \ne j} s_i^T H_{ij} s_j + O(\|s\|^3) $$

    For gradient descent $s = -\eta G$, and both grow with the square of the rate. One product of the Hessian
    with the whole step gives $s^T H s$, one with each layer's part the diagonal blocks.

    Args:
        network: as for `drops`, and so all that follows; left as it is.
        before: the parameters W, at which the Hessian is taken.
        after: the parameters W+.
        inputs: of the minibatch.
        labels: of the minibatch.
        loss: of each member.
        stacked: whether parameters are those of a stack.
        layers: what is moved alone.

    Raises:
        ValueError: as `drops`.

    Source: derived here; Pearlmutter 1994 (products of the Hessian with vectors).

    The output x w1 w2 has no curvature in one weight, and $H_{12} = x$:

    >>> network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> before = {"0.weight": torch.ones(1, 1), "1.weight": torch.ones(1, 1)}
    >>> after = {name: 0.9 * value for name, value in before.items()}
    >>> def output(outputs, labels):
    ...     return outputs.mean()
    >>> found = prices(network, before, after, torch.ones(1, 1), torch.zeros(1), output)
    >>> found.own.tolist(), round(found.others.item(), 4)  # F - S = 0.2 - 0.2, S - J = 0.2 - 0.19
    ([0.0, 0.0], 0.01)
    """
    before, after = both(network, before, after, stacked)
    with objective(network, before, inputs, labels, loss, stacked, layers) as of, torch.enable_grad():
        names = [name for own in of.layers.values() for name in own]
        leaves = {name: before[name].detach().requires_grad_() for name in names}
        losses = of.losses(before | leaves)
        if not losses.requires_grad:
            return Prices(losses.new_zeros(len(of.layers), *losses.shape), losses.new_zeros(losses.shape))
        # members share no parameter, so the gradient of the sum holds each one's own
        found = torch.autograd.grad(
            losses.sum(), [*leaves.values()], create_graph=True, materialize_grads=True
        )
        slopes = dict(zip(names, found, strict=True))
        steps = {name: (after[name] - before[name]).detach() for name in names}

        def curvature_along(own: Sequence[str]) -> Tensor:
            """s^T H s of the part of the step that these parameters take, for each member."""
            # a gradient that is constant has a derivative too
            curved = [slopes[name] + 0 * leaves[name] for name in own]
            images = torch.autograd.grad(
                curved,
                [leaves[name] for name in own],
                [steps[name] for name in own],
                retain_graph=True,
                materialize_grads=True,
            )
            products = [
                (image.double() * steps[name].double()).reshape(*losses.shape, -1).sum(-1)
                for image, name in zip(images, own, strict=True)
            ]
            return torch.stack(products).sum(0)

        own = torch.stack([curvature_along(names) for names in of.layers.values()]) / 2
        return Prices(own, curvature_along(names) / 2 - own.sum(0))
