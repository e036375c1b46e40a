"""LocoProp: layer-wise targets, cached for a minibatch, and local steps of every layer towards its own."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link, chain, pre_activation
from movingtarget.networks.layers import ConcatenatedReLU
from movingtarget.networks.losses import member_losses
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import Batch, Cost, Outcome, UpdateRule
from movingtarget.training.simultaneous import backpropagation_cost, descend

LEAST_DECAY = 0.25

Transfer = Callable[[Tensor], Tensor]


def locoprop(iterations: int, gamma: float, loss: Literal["matching", "squared"] = "matching") -> UpdateRule:
    r"""The update rule LocoProp-M or -S with `iterations` local steps of gradient descent for each layer.

    Layer i of the chain computes the pre-activation $a_i = A(x_i; W_i)$, W being all of its parameters, and
    $f(a_i)$. One forward pass caches $x_i$ and $a_i$; one backward pass gives
    $e_i = \partial L / \partial a_i$. Each layer alone then descends a loss whose inputs $x_i$ and targets

    $$ t_i = f(a_i) - \gamma e_i \;\text{(matching)}, \quad t_i = a_i - \gamma e_i \;\text{(squared)} $$

    stay fixed: the matching loss of f (softmax at the output layer), whose gradient needs no derivative of
    f, or the squared distance of pre-activations, for which f below stands for the identity:

    $$ W_i \leftarrow W_i - \frac{\eta_k}{B} \sum_b \Bigl(\frac{\partial a_{ib}}{\partial W_i}\Bigr)^T
       (f(a_{ib}) - t_{ib}), \quad
       \eta_k = \tfrac{\eta}{\gamma} \max(1 - k / T, 1/4), \quad k = 0, \dots, T - 1 $$

    The division by gamma makes the first local step the step of gradient descent at rate $\eta$, exactly
    and for both losses, so that learning rates of all rules mean the same; no later step is one. Here $e_i$
    is the batch size B times the gradient of the mean loss: without batch norm, the gradient of an example's
    own loss. With it examples interact, $e_{ib}$ holds what pre-activation b does to all of them, and local
    steps use the statistics that the moved layer gives. In the authors' code $e_i$ is of the mean loss and
    local gradients are sums: their gamma is ours times the batch size.

    CReLU is a pair of rectifiers, of a and -a; their two matching losses add up to the squared one. The
    layers of a residual stream have the identity as f.

    Raises ValueError for an unknown `loss` and, when used, for a transfer that changes the shape.

    Source: Amid, Anil & Warmuth 2022, and the authors' notebook (schedule of the local rates).
    """
    if loss not in ("matching", "squared"):
        raise ValueError(f"loss '{loss}' is unknown; allowed: matching, squared")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
    ) -> Outcome:
        links, size = chain(network), batch.size
        transfers = _matching_transfers(links) if loss == "matching" else [_identity] * len(links)
        problems, losses, gradients = _backpropagate(links, transfers, parameters, batch, gamma)
        descend(parameters, gradients, learning_rates)
        decays = [max(1 - k / iterations, LEAST_DECAY) for k in range(1, iterations)]
        schedule = [learning_rates * (decay / gamma / size) for decay in decays]
        for problem in problems:
            for rates in schedule:
                _descend_locally(problem, parameters, rates)
        return Outcome(parameters, memory, _cost(network, links, size, iterations), losses)

    return rule


class _Problem(NamedTuple):
    """What stays fixed while a layer takes its local steps: inputs `(members, batch, in)` and targets."""

    link: Link
    transfer: Transfer
    inputs: Tensor
    targets: Tensor


def _backpropagate(
    links: Sequence[Link], transfers: Sequence[Transfer], parameters: Parameters, batch: Batch, gamma: float
) -> tuple[list[_Problem], Tensor, Parameters]:
    """Every layer's local problem, the members' losses, and their gradients: the first local ones."""
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    inputs, pre_activations = [batch.inputs], []
    for link in links:
        pre_activations.append(pre_activation(link, leaves, inputs[-1]))
        inputs.append(link.transfer(pre_activations[-1]))
    losses = member_losses(inputs[-1], batch.labels)
    found = torch.autograd.grad(losses.sum(), [*pre_activations, *leaves.values()])
    step = gamma * batch.size
    problems = [
        _Problem(link, transfer, x.detach(), _targets(transfer, a.detach(), step * error))
        for link, transfer, x, a, error in zip(
            links, transfers, inputs[:-1], pre_activations, found[: len(links)], strict=True
        )
    ]
    return problems, losses.detach(), dict(zip(leaves, found[len(links) :], strict=True))


def _targets(transfer: Transfer, pre_activations: Tensor, change: Tensor) -> Tensor:
    reached = transfer(pre_activations)
    if reached.shape != change.shape:
        raise ValueError(
            f"a transfer turns {change.shape[-1]} pre-activations into {reached.shape[-1]} outputs; "
            "allowed in LocoProp-M: transfers that keep their number, and CReLU"
        )
    return reached - change


def _descend_locally(problem: _Problem, parameters: Parameters, rates: Tensor) -> None:
    """One step of a layer, in place, along its local gradient, the batch's examples summed."""
    link, transfer, inputs, targets = problem
    leaves = {name: parameters[name].detach().requires_grad_() for name in link.names.values()}
    reached = pre_activation(link, leaves, inputs)
    # rates scale the small residual, not the large gradient: some 3 % less time
    residual = (transfer(reached.detach()) - targets).mul_(rates[:, None, None])
    steps = torch.autograd.grad(reached, list(leaves.values()), residual)
    for name, step in zip(leaves, steps, strict=True):
        parameters[name].sub_(step)


def _matching_transfers(links: Sequence[Link]) -> list[Transfer]:
    """The gradient of every layer's matching loss, but for the target, at a pre-activation."""
    hidden = [_identity if _is_paired(link.transfer) else link.transfer for link in links[:-1]]
    return [*hidden, lambda a: links[-1].transfer(a).softmax(-1)]


def _is_paired(transfer: nn.Module) -> bool:
    return any(isinstance(part, ConcatenatedReLU) for part in transfer.modules())


def _identity(pre_activations: Tensor) -> Tensor:
    return pre_activations


def _cost(network: nn.Module, links: Sequence[Link], batch_size: int, iterations: int) -> Cost:
    """Of a step of backpropagation and the other local steps: a pass forward and a gradient of each layer."""
    local = sum(backpropagation_cost(link.affine, batch_size).flops for link in links)
    whole = backpropagation_cost(network, batch_size).flops
    return Cost(float(iterations), whole + (iterations - 1) * local)
