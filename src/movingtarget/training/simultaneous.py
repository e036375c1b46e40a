"""Backpropagation as everybody uses it: one gradient at the current weights moves all layers at once."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.networks.stack import Parameters, call
from movingtarget.training.rule import Batch, Cost, Outcome, forward_flops, input_gradient_flops


def simultaneous(
    network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
) -> Outcome:
    r"""One step of stochastic gradient descent, $W \leftarrow W - \eta \nabla_W L$, for every member.

    Args:
        network: any module whose layers take stacked parameters, in training mode.
        parameters: of the stack; updated in place.
        batch: one minibatch for each member.
        memory: unused; this rule has none.
        learning_rates: `(members,)`.
    """
    leaves = {name: value.requires_grad_() for name, value in parameters.items()}
    losses = member_losses(call(network, leaves, batch.inputs), batch.labels)
    # members share no parameter, so the gradient of the sum holds each one's own
    gradients = torch.autograd.grad(losses.sum(), list(leaves.values()))
    with torch.no_grad():
        for value, gradient in zip(leaves.values(), gradients, strict=True):
            value.addcmul_(gradient, learning_rates.view(-1, *[1] * (value.dim() - 1)), value=-1.0)
            value.requires_grad_(False)
    size = batch.labels.shape[-1]
    flops = 3 * forward_flops(network, size) - input_gradient_flops(network, size)
    return Outcome(parameters, memory, Cost(1.0, flops), losses.detach())


def member_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy (nats) of each member: logits `(members, batch, classes)` -> `(members,)`."""
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return losses.view(labels.shape).mean(-1)
