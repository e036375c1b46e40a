"""First-order optimisers that a layer uses on its own problem: gradient descent, and TensorFlow's RMSProp."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from movingtarget.training.interface import Memory
from movingtarget.training.simultaneous import descend

LocalOptimiser = Callable[[dict[str, Tensor], dict[str, Tensor], Memory, Tensor], None]
"""(parameters, gradients, memory, rates `(members,)`): one step, parameters and memory changed in place."""

AdaGrad = Callable[[Tensor, Tensor, Tensor], None]
"""(weights, gradient, squares): one step, in place."""

RMSPROP_DECAY = 0.9
RMSPROP_MOMENTUM = 0.999
RMSPROP_EPSILON = 1e-5
"""As released by Amid, Anil & Warmuth 2022."""


def descent(
    parameters: dict[str, Tensor], gradients: dict[str, Tensor], memory: Memory, rates: Tensor
) -> None:
    r"""Gradient descent, $W \leftarrow W - \eta G$; remembers nothing."""
    descend(parameters, gradients, rates)


def rmsprop(
    parameters: dict[str, Tensor], gradients: dict[str, Tensor], memory: Memory, rates: Tensor
) -> None:
    r"""RMSProp in TensorFlow's arithmetic:

    $$ S \leftarrow d S + (1 - d) G^2, \quad V \leftarrow m V + \eta\, G / \sqrt{S + \epsilon}, \quad
       W \leftarrow W - V $$

    with S = 1 and V = 0 at the start, d = 0.9, m = 0.999 and $\epsilon = 10^{-5}$. torch.optim.RMSprop starts
    from S = 0, adds epsilon outside the root, and scales V, not G, by the rate.

    It is the passes over the weights that take time. So the memory holds, of each parameter,
    $R = (S + \epsilon) / (1 - d)$ and $Z = W - V m / (1 - m)$, whose recurrence is the same,

    $$ R \leftarrow d R + \epsilon + G^2, \quad
       Z \leftarrow Z - \frac{\eta}{(1 - m) \sqrt{1 - d}} G / \sqrt R, \quad
       W \leftarrow m W + (1 - m) Z $$

    and whose middle, with $R \leftarrow R + G^2$, is a step of AdaGrad: one pass in torch, on the CPU.

    Source: Hinton 2012, lecture 6e; TensorFlow's RMSPropOptimizer; values of Amid, Anil & Warmuth 2022.
    """  # noqa: D415
    scaled = rates / ((1 - RMSPROP_MOMENTUM) * (1 - RMSPROP_DECAY) ** 0.5)
    adagrad = _in_one_pass(scaled.tolist()) if scaled.is_cpu else _all_at_once(scaled)
    for name, gradient in gradients.items():
        weights = parameters[name]
        if f"{name} square" not in memory:
            memory[f"{name} square"] = torch.full_like(weights, (1 + RMSPROP_EPSILON) / (1 - RMSPROP_DECAY))
            memory[f"{name} ahead"] = weights.clone()
        squares, ahead = memory[f"{name} square"], memory[f"{name} ahead"]
        torch.add(squares.new_full((), RMSPROP_EPSILON), squares, alpha=RMSPROP_DECAY, out=squares)
        adagrad(ahead, gradient.contiguous(), squares)
        weights.lerp_(ahead, 1 - RMSPROP_MOMENTUM)


def _all_at_once(rates: Tensor) -> AdaGrad:
    """Of all members, whose rates stay where they are."""

    def step(weights: Tensor, gradient: Tensor, squares: Tensor) -> None:
        squares.addcmul_(gradient, gradient)
        of_members = rates.view(-1, *[1] * (gradient.dim() - 1))
        weights.addcdiv_(of_members * gradient, squares.sqrt(), value=-1.0)

    return step


def _in_one_pass(rates: list[float]) -> AdaGrad:
    """Of each member, or of all members at once if they have one rate."""

    def step(weights: Tensor, gradient: Tensor, squares: Tensor) -> None:
        for part in _at_one_rate(rates, weights, gradient, squares):
            _adagrad(*part)

    return step


def _at_one_rate(
    rates: list[float], weights: Tensor, gradient: Tensor, squares: Tensor
) -> Iterable[tuple[float, Tensor, Tensor, Tensor]]:
    """Each member's rate and parts, or all members' at once if they have one rate."""
    if len({*rates}) == 1:
        return [(rates[0], weights, gradient, squares)]
    return zip(rates, weights, gradient, squares, strict=True)


def _adagrad(rate: float, weights: Tensor, gradient: Tensor, squares: Tensor) -> None:
    """AdaGrad's step of tensors dense in memory, by the kernel of torch.optim.Adagrad(fused=True)."""
    torch._fused_adagrad_(
        [weights],
        [gradient],
        [squares],
        [torch.ones(())],
        lr=rate,
        lr_decay=0.0,
        weight_decay=0.0,
        eps=0.0,
        maximize=False,
    )
