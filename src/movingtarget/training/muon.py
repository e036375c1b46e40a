"""Muon: every weight matrix moves along the nearest semi-orthogonal matrix to its momentum."""

import math

import torch
from torch import Tensor, nn

from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import Batch, Outcome
from movingtarget.training.simultaneous import backpropagation_cost, descend, gradients_of

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
SMALLEST_NORM = 1e-7


def muon(
    network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
) -> Outcome:
    r"""One step of Muon, without weight decay, for every member.

    With G the gradient of a weight matrix $W \in \mathbb{R}^{m \times n}$ and M its momentum, in the
    arithmetic of torch.optim.Muon but for its half precision,

    $$ M \leftarrow \mu M + (1 - \mu) G, \quad
       W \leftarrow W - \eta \sqrt{\max(1, m / n)}\; \mathrm{NS}((1 - \mu) G + \mu M), \quad \mu = 0.95 $$

    where NS is `orthogonalise`. Biases and batch norm's gains and shifts, which are no matrices, take a step
    of gradient descent at the same rate.

    Memory keeps the momenta by the parameters' names. Arguments are those of `simultaneous`.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
    """
    losses, gradients = gradients_of(network, parameters, batch)
    memory = memory | descend_along_momentum(parameters, gradients, memory, learning_rates)
    cost = backpropagation_cost(network, batch.size)
    return Outcome(
        parameters, memory, cost._replace(flops=cost.flops + orthogonalisation_flops(gradients)), losses
    )


def descend_along_momentum(
    parameters: Parameters, gradients: Parameters, memory: Parameters, learning_rates: Tensor
) -> Parameters:
    """Move, in place, the parameters that have a gradient as `muon` does; their momenta after the step."""
    matrices = {name: gradient for name, gradient in gradients.items() if gradient.dim() == 3}
    directions, momenta = directions_of_momentum(matrices, memory, MOMENTUM)
    steps = {name: direction * _scale(direction) for name, direction in directions.items()}
    descend(parameters, gradients | steps, learning_rates)
    return momenta


def directions_of_momentum(
    matrices: Parameters, memory: Parameters, share: float
) -> tuple[Parameters, Parameters]:
    r"""The directions $\mathrm{NS}((1 - \mu) G + \mu M)$ and the new momenta M, both by name, as in `muon`.

    Args:
        matrices: G of weight matrices, `(members, m, n)` each.
        memory: the momenta before; none stand for zeros.
        share: mu.
    """
    momenta = {
        name: torch.lerp(gradient, memory.get(name, torch.zeros_like(gradient)), share)
        for name, gradient in matrices.items()
    }
    directions = {
        name: orthogonalise(torch.lerp(gradient, momenta[name], share)) for name, gradient in matrices.items()
    }
    return directions, momenta


def orthogonalise(matrices: Tensor) -> Tensor:
    r"""Newton-Schulz iterations towards $U V^T$ of $U \Sigma V^T$, `(..., m, n)` each.

    $$ X_0 = M / \lVert M \rVert_F, \quad X \leftarrow a X + (b A + c A^2) X, \quad A = X X^T $$

    Five of them, with coefficients that bring singular values to between 0.7 and 1.2 rather than to 1.

    >>> matrix = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    >>> values = torch.linalg.svdvals(orthogonalise(matrix))
    >>> bool(values.min() > 0.6), bool(values.max() < 1.3)
    (True, True)
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=SMALLEST_NORM)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


def orthogonalisation_flops(gradients: Parameters) -> float:
    """Matrix-product FLOPs of one member's Newton-Schulz iterations."""
    sizes = [sorted(gradient.shape[-2:]) for gradient in gradients.values() if gradient.dim() == 3]
    return sum(ITERATIONS * (4.0 * short**2 * long + 2.0 * short**3) for short, long in sizes)


def _scale(gradient: Tensor) -> float:
    rows, columns = gradient.shape[-2:]
    return math.sqrt(max(1.0, rows / columns))
