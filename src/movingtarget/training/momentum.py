"""Gradient descent with momentum, with one rate for all layers or one by each layer's norms (LARS)."""

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import chain
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import Batch, Outcome, UpdateRule
from movingtarget.training.layer_rates import norm_of
from movingtarget.training.simultaneous import backpropagation_cost, descend, gradients_of


def momentum(share: float, weight_decay: float, by_norms: bool) -> UpdateRule:
    r"""Gradient descent whose every step keeps a share m of the one before.

    $$ V_l \leftarrow m V_l + \eta \lambda_l \, (G_l + \beta W_l), \quad W_l \leftarrow W_l - V_l $$

    with $\lambda_l = 1$, or by norms, which is layer-wise adaptive rate scaling (LARS),

    $$ \lambda_l = \frac{\lVert W_l \rVert}{\lVert G_l \rVert + \beta \lVert W_l \rVert}. $$

    The Euclidean norms are of all parameters of a layer together (weights, biases, gain and shift), of each
    member; 0 / 0 counts as 0. The memory holds every V.

    Args:
        share: m, from 0 up to but not 1.
        weight_decay: beta, 0 at least.
        by_norms: whether rates follow from norms.

    Raises:
        ValueError: a share or weight decay that is not allowed.

    Source: You, Gitman & Ginsburg 2017, algorithm 1; $\eta$ stands for their global rate times trust.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}; allowed: from 0 up to, but not, 1")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay is {weight_decay}; allowed: at least 0")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
    ) -> Outcome:
        losses, gradients = gradients_of(network, parameters, batch)
        steps: Parameters = {}
        for link in chain(network):
            own = {name: gradients[name] for name in link.names.values()}
            rates = learning_rates
            if by_norms:
                rates = rates * _layer_rates({name: parameters[name] for name in own}, own, weight_decay)
            steps |= _steps(own, parameters, memory, rates, share, weight_decay)
        descend(parameters, steps, torch.ones_like(learning_rates))
        return Outcome(parameters, steps, backpropagation_cost(network, batch.size), losses)

    return rule


def _layer_rates(weights: Parameters, gradients: Parameters, weight_decay: float) -> Tensor:
    """The lambda of one layer, `(members,)`."""
    size = norm_of(weights)
    return torch.nan_to_num(size / (norm_of(gradients) + weight_decay * size), nan=0.0, posinf=0.0)


def _steps(
    gradients: Parameters,
    parameters: Parameters,
    memory: Parameters,
    rates: Tensor,
    share: float,
    weight_decay: float,
) -> Parameters:
    """The V of one layer's parameters."""
    steps = {}
    for name, gradient in gradients.items():
        of_members = rates.view(-1, *[1] * (gradient.dim() - 1))
        step = of_members * torch.add(gradient, parameters[name], alpha=weight_decay)
        steps[name] = step.add_(memory[name], alpha=share) if memory else step
    return steps
