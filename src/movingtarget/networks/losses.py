"""Losses of a stack's members, and their gradients."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from movingtarget.networks.stack import Parameters


def member_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy (nats) of each member: logits `(..., batch, classes)` -> `(...)`."""
    losses = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
    return losses.view(labels.shape).mean(-1)


def differentiate(
    losses_at: Callable[[Parameters], Tensor], parameters: Parameters
) -> tuple[Tensor, Parameters]:
    """Losses `(members,)` as a function of a stack's parameters, and their gradients, by name."""
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    with torch.enable_grad():
        losses = losses_at(leaves)
        # members share no parameter, so the gradient of the sum holds each one's own
        gradients = torch.autograd.grad(losses.sum(), list(leaves.values()))
    return losses.detach(), dict(zip(leaves, gradients, strict=True))
