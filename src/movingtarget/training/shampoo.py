"""Shampoo: the gradient of every weight matrix, preconditioned on both of its sides."""

import torch
from torch import Tensor, nn

from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import Batch, Memory, Outcome, UpdateRule, steps_done
from movingtarget.training.simultaneous import backpropagation_cost, descend, gradients_of

EIGENVECTOR_FLOPS = 9.0
"""Of all eigenvalues and vectors of a symmetric n x n matrix, in n^3: Golub & Van Loan 2013, section 8.3."""


def shampoo(epsilon: float, renewal_steps: int) -> UpdateRule:
    r"""The update rule Shampoo, its roots renewed at the first step and at every k-th.

    $$ L \leftarrow L + G G^T, \quad R \leftarrow R + G^T G, \quad
       W \leftarrow W - \eta L^{-1/4} G R^{-1/4} $$

    with L and R of a weight matrix starting at epsilon times the identity. Of a vector there is L alone, with
    the root -1/2. The arithmetic is that of Shampoo in pytorch-optimizer, which has no roots before step k
    and finds them by singular values: these take several times as long, and are not always found.

    The memory counts the steps and keeps L, R and their roots, by name. Where L or R of a member is not
    finite, its weights become NaN.

    Args:
        epsilon: above 0.
        renewal_steps: k.

    Raises:
        ValueError: an epsilon or a number of steps that is not allowed.

    Source: Gupta, Koren & Singer 2018, algorithm 1.
    """
    if not epsilon > 0:
        raise ValueError(f"epsilon is {epsilon}; allowed: above 0")
    if renewal_steps < 1:
        raise ValueError(f"renewal_steps is {renewal_steps}; allowed: at least 1")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        losses, gradients = gradients_of(network, parameters, batch)
        step = steps_done(memory) + 1
        before, roots = memory.get("statistics", {}), memory.get("roots", {})
        statistics = {name: _added(before.get(name), g, epsilon) for name, g in gradients.items()}
        if step == 1 or step % renewal_steps == 0:
            roots = {
                name: [inverse_roots(side, epsilon, 2 * len(s)) for side in s]
                for name, s in statistics.items()
            }
        descend(parameters, {name: _between(roots[name], g) for name, g in gradients.items()}, learning_rates)
        cost = backpropagation_cost(network, batch.size)
        cost = cost._replace(flops=cost.flops + shampoo_flops(gradients, renewal_steps))
        return Outcome(
            parameters, {**memory, "step": step, "statistics": statistics, "roots": roots}, cost, losses
        )

    return rule


def shampoo_flops(gradients: Parameters, renewal_steps: int) -> float:
    r"""Of one member's step: $4 m n (m + n)$ for a matrix, $4 n^2$ for a vector, and a share of the roots.

    A root of an n x n matrix is found from its eigenvectors, $9 n^3$, by a product, $2 n^3$, every k steps;
    that at the first step is left out.
    """
    sides = [_unfolded(gradient).shape[1 : gradient.dim()] for gradient in gradients.values()]
    entries = [gradient[0].numel() for gradient in gradients.values()]
    products = sum(4 * number * sum(shape) for number, shape in zip(entries, sides, strict=True))
    cubes = sum(side**3 for shape in sides for side in shape)
    return products + (EIGENVECTOR_FLOPS + 2) / renewal_steps * cubes


def inverse_roots(matrices: Tensor, least: float, order: int) -> Tensor:
    r"""$A^{-1/k}$ of each symmetric A whose eigenvalues are `least` or above; NaN of one that is not finite.

    >>> inverse_roots(torch.diag(torch.tensor([16.0, 81.0])), 1e-3, 4).diagonal()
    tensor([0.5000, 0.3333])
    """
    finite = matrices.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
    # zeros instead, as none would be decomposed beside one that is not finite
    values, vectors = torch.linalg.eigh(torch.where(finite, matrices, 0.0))
    powers = values.clamp(min=least) ** (-1 / order)  # round-off goes below
    return torch.where(finite, vectors * powers[..., None, :] @ vectors.mT, torch.nan)


def _unfolded(gradient: Tensor) -> Tensor:
    """As matrices `(members, m, n)`: a vector is one of one column, the axes of a kernel's inputs are one."""
    return gradient[..., None] if gradient.dim() == 2 else gradient.flatten(2)


def _added(before: list[Tensor] | None, gradient: Tensor, epsilon: float) -> list[Tensor]:
    """L and R of a matrix, or L of a vector, with this gradient."""
    unfolded = _unfolded(gradient)
    both = [unfolded] if gradient.dim() == 2 else [unfolded, unfolded.mT]
    if before is None:
        eyes = [torch.eye(g.shape[1], dtype=g.dtype, device=g.device) for g in both]
        before = [epsilon * eye.expand(len(gradient), -1, -1) for eye in eyes]
    return [torch.baddbmm(side, g, g.mT) for side, g in zip(before, both, strict=True)]


def _between(roots: list[Tensor], gradient: Tensor) -> Tensor:
    left, *right = roots
    step = left @ _unfolded(gradient)
    return (step @ right[0] if right else step).view(gradient.shape)
