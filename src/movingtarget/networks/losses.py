"""Losses of a stack's members, and their gradients."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from movingtarget.networks.stack import Parameters


def member_losses(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Each member's loss, in nats: logits `(..., batch, outputs)` -> `(...)`.

    Of classes, labels `(..., batch)`, the mean cross-entropy. Of images to be reconstructed, labels
    `(..., batch, pixels)` in [0, 1], the mean over images of the cross-entropy summed over pixels,

    $$ \sum_p -y_p \log \sigma(a_p) - (1 - y_p) \log(1 - \sigma(a_p)), $$

    whose floor is the entropy of the pixels themselves, `entropy_floor`.
    """
    if labels.dim() == logits.dim():
        return F.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(-1).mean(-1)
    losses = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
    return losses.view(labels.shape).mean(-1)


def class_loss(outputs: Any, labels: Any) -> Tensor:
    r"""The mean cross-entropy of classes, in nats: outputs `(batch, classes)`, labels `(batch,)` -> `()`.

    In at least single precision. Further axes of examples stand last, as torch has them.

    Raises:
        ValueError: outputs or labels of another shape or kind.

    >>> round(class_loss(torch.zeros(3, 2), torch.tensor([0, 1, 1])).item(), 4)  # log 2
    0.6931
    """
    if not isinstance(outputs, Tensor) or not isinstance(labels, Tensor):
        kinds = f"{type(outputs).__name__} and {type(labels).__name__}"
        raise ValueError(f"outputs and labels are {kinds}; allowed: tensors, or a loss of your own for them")
    shape = (*outputs.shape[:1], *outputs.shape[2:])
    if outputs.dim() < 2 or tuple(labels.shape) != shape or labels.is_floating_point():
        raise ValueError(
            f"labels are {str(labels.dtype).removeprefix('torch.')} {tuple(labels.shape)} for outputs "
            f"{tuple(outputs.shape)}; allowed: whole numbers {shape}, or a loss of your own for others"
        )
    return F.cross_entropy(outputs.float() if outputs.dtype.itemsize < 4 else outputs, labels.long())


def entropy_floor(images: Tensor) -> float:
    r"""The least cross-entropy that a reconstruction can have, in nats: `(images, pixels)` in [0, 1].

    $$ \frac{1}{N} \sum_n \sum_p -y_{np} \log y_{np} - (1 - y_{np}) \log(1 - y_{np}) $$

    >>> round(entropy_floor(torch.tensor([[0.5, 1.0], [0.0, 0.0]])), 4)  # one pixel of four, of log 2
    0.3466
    """
    return float((torch.special.entr(images) + torch.special.entr(1 - images)).sum(-1).double().mean())


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
