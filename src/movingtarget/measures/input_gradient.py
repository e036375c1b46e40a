"""The gradient of a network's output with respect to its input, example by example."""

import torch
from torch import Tensor, nn

from movingtarget.measures.population import constant_statistics, evaluating
from movingtarget.networks.stack import Parameters, call


def input_gradients(
    network: nn.Module, parameters: Parameters, inputs: Tensor, statistics: Parameters | None = None
) -> Tensor:
    r"""Gradient of the summed outputs at every input, $g_i = \sum_p \partial f_p / \partial x_i$.

    Batch statistics are computed from `inputs` and then held constant in the derivative, so that one
    example's output depends on its own input only and one pass forward and one backward yield all gradients.

    Let the outputs read the last layer through weights of mean zero, as classifiers do: a sum of rectified
    units is aligned with their gates, which raises the variance of gradients and lowers their correlation.

    Args:
        network: any module; stacked parameters need layers that take them.
        parameters: of one member, or of a stack.
        inputs: `(examples, ...)`, shared by all members.
        statistics: from `population_statistics`, in the place of those of `inputs`.

    Returns:
        `(examples, ...)`, or `(members, examples, features)` for a stack.

    Raises:
        TypeError: the network returns something other than one tensor.

    Source: Balduzzi et al. 2017, section 2.

    >>> network = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU())
    >>> parameters = {"0.weight": torch.tensor([[1.0], [-3.0]])}
    >>> input_gradients(network, parameters, torch.tensor([[2.0], [-2.0]])).tolist()
    [[1.0], [-3.0]]
    """
    members = next(iter(parameters.values())).shape[: _leading_axes(network, parameters)]
    constants = {name: value.detach() for name, value in parameters.items()}
    leaf = inputs.detach().expand(*members, *inputs.shape).clone().requires_grad_()
    network_used = constant_statistics(network) if statistics is None else evaluating(network)
    with torch.enable_grad(), network_used:
        # a copy, for a network may begin with an operation in place
        outputs = one_tensor(call(network, constants | (statistics or {}), leaf.clone()))
        (gradients,) = torch.autograd.grad(outputs.sum(), leaf)
    return gradients


def one_tensor(outputs: object) -> Tensor:
    """The outputs themselves; raises TypeError unless they are one tensor.

    >>> one_tensor(("outputs", "attention"))
    Traceback (most recent call last):
    TypeError: the network returns tuple; allowed: one tensor, examples first
    """
    if not isinstance(outputs, Tensor):
        raise TypeError(f"the network returns {type(outputs).__name__}; allowed: one tensor, examples first")
    return outputs


def _leading_axes(network: nn.Module, parameters: Parameters) -> int:
    name, own = next(iter(network.named_parameters()))
    return parameters[name].dim() - own.dim()
