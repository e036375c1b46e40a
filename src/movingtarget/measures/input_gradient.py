"""The gradient of a network's output with respect to its input, example by example."""

import torch
from torch import Tensor, nn

from movingtarget.measures.population import population_statistics
from movingtarget.networks.stack import Parameters, call


def input_gradients(network: nn.Module, parameters: Parameters, inputs: Tensor) -> Tensor:
    r"""Gradient of the summed outputs at every input, $g_i = \sum_p \partial f_p / \partial x_i$.

    Batch statistics are computed from `inputs` and then held constant in the derivative, so that one
    example's output depends on its own input only and one backward pass yields all gradients.

    Args:
        network: any module; stacked parameters need layers that take them.
        parameters: of one member, or of a stack.
        inputs: `(examples, features)`, shared by all members.

    Returns:
        `(examples, features)`, or `(members, examples, features)` for a stack.

    Source: Balduzzi et al. 2017, section 2.
    """
    statistics = population_statistics(network, parameters, inputs)
    was_training = network.training
    network.eval()
    members = next(iter(parameters.values())).shape[: _leading_axes(network, parameters)]
    leaf = inputs.detach().expand(*members, *inputs.shape).clone().requires_grad_()
    (gradients,) = torch.autograd.grad(call(network, parameters | statistics, leaf).sum(), leaf)
    network.train(was_training)
    return gradients


def _leading_axes(network: nn.Module, parameters: Parameters) -> int:
    name, own = next(iter(network.named_parameters()))
    return parameters[name].dim() - own.dim()
