"""Population statistics: what a normalisation layer uses outside training."""

import torch
from torch import Tensor, nn

from movingtarget.measures.capture import capture
from movingtarget.networks.layers import Normalisation
from movingtarget.networks.stack import Parameters, call


@torch.no_grad()
def population_statistics(network: nn.Module, parameters: Parameters, inputs: Tensor) -> Parameters:
    """Mean and variance of the inputs of every normalisation layer over all of `inputs`.

    The data pass as one batch, so that each layer sees its predecessors normalised by statistics of the
    same data: exact, with no running average.

    Args:
        network: holds layers of class Normalisation (else the result is empty).
        parameters: of one member or a stack.
        inputs: `(examples, features)` or `(members, examples, features)`.

    Returns:
        The buffers `<layer>.mean` and `<layer>.variance` (biased, as batch norm itself uses), by name.

    Source: Ioffe & Szegedy 2015, algorithm 2, with all data in the place of several minibatches.
    """
    layers = {name: part for name, part in network.named_modules() if isinstance(part, Normalisation)}
    if not layers:
        return {}
    was_training = network.training
    network.train()
    with capture(layers, lambda value, _: (value.mean(-2), value.var(-2, correction=0))) as seen:
        call(network, parameters, inputs)
    network.train(was_training)
    means = {f"{name}.mean": mean for name, (mean, _) in seen.items()}
    variances = {f"{name}.variance": variance for name, (_, variance) in seen.items()}
    return means | variances
