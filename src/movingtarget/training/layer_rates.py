"""Layers that move at rates of their own: smaller for early layers, for late ones, or by each one's norms."""

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import chain
from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import Batch, Outcome, UpdateRule
from movingtarget.training.simultaneous import backpropagation_cost, descend, gradients_of


def layer_rates(factor: float, reverse: bool) -> UpdateRule:
    r"""Gradient descent in which layer l of k (bottom first, the output layer last) has its own rate.

    $$ \eta_l = \eta \, c^{-(k - l)}, \quad \text{reversed} \quad \eta_l = \eta \, c^{-(l - 1)} $$

    c being `factor`: above 1, early layers move least, or late ones where `reverse` is true.
    Raises ValueError for a factor that is not positive.

    Source: Howard & Ruder 2018 (ULMFiT), "discriminative fine-tuning", c = 2.6.
    """
    if not factor > 0:
        raise ValueError(f"factor is {factor}; allowed: above 0")

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
    ) -> Outcome:
        losses, gradients = gradients_of(network, parameters, batch)
        links = chain(network)
        for place, link in enumerate(links):
            distance = place if reverse else len(links) - 1 - place
            own = {name: gradients[name] for name in link.names.values()}
            descend(parameters, own, learning_rates * factor**-distance)
        return Outcome(parameters, memory, backpropagation_cost(network, batch.size), losses)

    return rule


def lars(
    network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
) -> Outcome:
    r"""One step of layer-wise adaptive rate scaling, without momentum or weight decay.

    $$ W_l \leftarrow W_l - \eta \, \frac{\lVert W_l \rVert}{\lVert G_l \rVert} \, G_l $$

    The Euclidean norms are of all parameters of a layer together (weights, biases, gain and shift), of each
    member. A layer whose gradient is zero stands still.

    Source: You, Gitman & Ginsburg 2017 (LARS); $\eta$ stands for their global rate times trust.
    """
    losses, gradients = gradients_of(network, parameters, batch)
    for link in chain(network):
        own = {name: gradients[name] for name in link.names.values()}
        sizes, slopes = norm_of({name: parameters[name] for name in own}), norm_of(own)
        ratios = torch.where(slopes == 0, 0.0, sizes / slopes)
        descend(parameters, own, learning_rates * ratios)
    return Outcome(parameters, memory, backpropagation_cost(network, batch.size), losses)


def norm_of(values: Parameters) -> Tensor:
    """The norm of all values of each member together, `(members,)`."""
    return torch.cat([value.flatten(1) for value in values.values()], 1).square().sum(1).sqrt()
