"""FOOF: each layer brings its pre-activations as near to their targets as damping lets it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import Link
from movingtarget.networks.stack import Parameters
from movingtarget.training.affine import linear_layers, move, sizes_of, with_ones
from movingtarget.training.cholesky import cholesky_factors, factor_flops, solution_flops
from movingtarget.training.interface import Batch, Cost, Memory, Outcome, UpdateRule
from movingtarget.training.signals import signals_flops, signals_of


def foof(damping: float) -> UpdateRule:
    r"""FOOF, the closed form of LocoProp-S with a proximal term.

    With W weights and bias of a layer as one matrix, $x_b$ the layer's input and a one, and $g_b$ the
    gradient of example b's own loss with respect to the pre-activation, the step

    $$ W \leftarrow W - \eta\, \nabla_W L \Bigl(\lambda I + \frac{1}{B} \sum_b x_b x_b^T\Bigr)^{-1} $$

    solves the layer's least squares, its inputs and targets $t_b = W x_b - \eta g_b$ staying fixed:

    $$ \min_V \; \frac{1}{2} \sum_b \lVert V x_b - t_b \rVert^2
       + \frac{\lambda B}{2} \lVert V - W \rVert^2 $$

    So the rate is how far the pre-activations are asked to go, and $\lambda$ is measured against the mean
    square of inputs: neither depends on the number B of examples. As $\lambda \to \infty$ the step tends to
    gradient descent at rate $\eta / \lambda$. A member whose matrix round-off leaves indefinite becomes NaN.

    The plain step: momentum and averages of the matrix over steps, which Benzing's experiments may have used
    (not verified), are left out; memory is left as it is.

    Args:
        damping: $\lambda$, above 0.

    Raises:
        ValueError: a damping that is not allowed; when used, a layer that is not `Linear` with a bias.

    Source: Benzing 2022, "Gradient descent on neurons and its link to approximate second-order optimization";
    Amid, Anil & Warmuth 2022 for the least squares.
    """
    if not 0 < damping < float("inf"):
        raise ValueError(f"damping is {damping}; allowed: finite, above 0")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Memory, learning_rates: Tensor
    ) -> Outcome:
        links = linear_layers(network)
        losses, signals = signals_of(links, parameters, batch.inputs, batch.labels)
        for link, signal in zip(links, signals, strict=True):
            direction = damped_direction(with_ones(signal.inputs), signal.errors, damping)
            move(parameters, link, direction, learning_rates)
        return Outcome(parameters, memory, _cost(links, batch.size), losses)

    return rule


def damped_direction(inputs: Tensor, errors: Tensor, damping: float) -> Tensor:
    r"""$E^T X (\lambda I + X^T X / B)^{-1}$, which is $E^T (\lambda I + X X^T / B)^{-1} X$: the cheaper one.

    Args:
        inputs: X, `(members, batch, in)`.
        errors: E, `(members, batch, out)`.
        damping: $\lambda$.

    Returns:
        `(members, out, in)`; NaN for a member whose matrix is not positive definite.
    """
    batch_size, features = inputs.shape[-2:]
    outputs = errors.shape[-1]
    if _flops_by_examples(batch_size, features, outputs) < _flops_by_features(batch_size, features, outputs):
        factors = _damped_factors(inputs @ inputs.mT, batch_size, damping)
        return torch.cholesky_solve(errors, factors).mT @ inputs
    factors = _damped_factors(inputs.mT @ inputs, batch_size, damping)
    return torch.cholesky_solve(inputs.mT @ errors, factors).mT


def _damped_factors(products: Tensor, batch_size: int, damping: float) -> Tensor:
    matrices = products.div_(batch_size)
    matrices.diagonal(dim1=-2, dim2=-1).add_(damping)
    return cholesky_factors(matrices)


def _flops_by_features(batch_size: int, features: int, outputs: int) -> float:
    products = 2.0 * batch_size * features * (features + outputs)
    return products + factor_flops(features) + solution_flops(features, outputs)


def _flops_by_examples(batch_size: int, features: int, outputs: int) -> float:
    products = 2.0 * batch_size * features * (batch_size + outputs)
    return products + factor_flops(batch_size) + solution_flops(batch_size, outputs)


def _cost(links: Sequence[Link], batch_size: int) -> Cost:
    """Of a pass forward, one backward, and every layer's cheaper system."""
    systems = [
        min(_flops_by_features(batch_size, *size), _flops_by_examples(batch_size, *size))
        for size in sizes_of(links)
    ]
    return Cost(1.0, signals_flops(links, batch_size) + sum(systems))
