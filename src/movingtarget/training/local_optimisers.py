"""First-order optimisers that a layer uses on its own problem: gradient descent, and TensorFlow's RMSProp."""

from collections.abc import Callable

import torch
from torch import Tensor

from movingtarget.training.interface import Memory

LocalOptimiser = Callable[[dict[str, Tensor], dict[str, Tensor], Memory, Tensor], None]
"""(parameters, gradients, memory, rates `(members,)`): one step, parameters and memory changed in place."""

RMSPROP_DECAY = 0.9
RMSPROP_MOMENTUM = 0.999
RMSPROP_EPSILON = 1e-5
"""As released by Amid, Anil & Warmuth 2022."""


def descent(
    parameters: dict[str, Tensor], gradients: dict[str, Tensor], memory: Memory, rates: Tensor
) -> None:
    r"""Gradient descent, $W \leftarrow W - \eta G$; remembers nothing."""
    for name, gradient in gradients.items():
        parameters[name].addcmul_(gradient, _beside(rates, gradient), value=-1.0)


def rmsprop(
    parameters: dict[str, Tensor], gradients: dict[str, Tensor], memory: Memory, rates: Tensor
) -> None:
    r"""RMSProp in TensorFlow's arithmetic:

    $$ S \leftarrow d S + (1 - d) G^2, \quad V \leftarrow m V + \eta\, G / \sqrt{S + \epsilon}, \quad
       W \leftarrow W - V $$

    with S = 1 and V = 0 at the start, d = 0.9, m = 0.999 and $\epsilon = 10^{-5}$. torch.optim.RMSprop starts
    from S = 0, adds epsilon outside the root, and scales V, not G, by the rate.

    The memory holds S and V of each parameter.

    Source: Hinton 2012, lecture 6e; TensorFlow's RMSPropOptimizer; values of Amid, Anil & Warmuth 2022.
    """  # noqa: D415
    for name, gradient in gradients.items():
        if f"{name} square" not in memory:
            memory[f"{name} square"] = torch.ones_like(gradient)
            memory[f"{name} step"] = torch.zeros_like(gradient)
        squares, steps = memory[f"{name} square"], memory[f"{name} step"]
        squares.mul_(RMSPROP_DECAY).addcmul_(gradient, gradient, value=1 - RMSPROP_DECAY)
        root = torch.add(squares, RMSPROP_EPSILON).sqrt_()
        for member, rate in enumerate(rates.tolist()):  # a number costs no pass over the weights
            steps[member].mul_(RMSPROP_MOMENTUM).addcdiv_(gradient[member], root[member], value=rate)
        parameters[name].sub_(steps)


def _beside(rates: Tensor, gradient: Tensor) -> Tensor:
    return rates.view(-1, *[1] * (gradient.dim() - 1))
