"""Correlation between the gradients of different inputs, layer by layer."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.capture import capture
from movingtarget.measures.input_gradient import one_tensor
from movingtarget.networks.stack import Parameters, call


class GradientCorrelation(NamedTuple):
    """Mean correlation between the gradients of two inputs, and root-mean-square norm of one gradient."""

    correlation: Tensor
    norm: Tensor


def layer_gradients(
    network: nn.Module, parameters: Parameters, inputs: Tensor, parts: Mapping[str, nn.Module]
) -> dict[str, Tensor]:
    r"""Gradient of the summed outputs with respect to the outputs of each part.

    $$ g_i = \sum_p \partial f_p / \partial n(x_i) $$

    The network is called as it stands: put it in eval mode, with population statistics among the
    parameters, for batch statistics to be constants.

    Args:
        network: any module.
        parameters: of one member, or of a stack.
        inputs: `(examples, features)`, or with a leading axis of members.
        parts: submodules of the network by name.

    Returns:
        For each part its gradients, `(..., examples, units)`.

    Source: Balduzzi et al. 2017, section 3.

    >>> network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    >>> parameters = {"0.weight": torch.eye(2), "2.weight": torch.tensor([[2.0, 3.0]])}
    >>> inputs = torch.tensor([[1.0, 1.0], [1.0, -1.0]])  # the second closes one of two gates
    >>> layer_gradients(network, parameters, inputs, {"first": network[0]})["first"].tolist()
    [[2.0, 3.0], [2.0, 0.0]]
    """
    # copies, for the network may go on in place
    with torch.enable_grad(), capture(parts, lambda _, output: output, copy_output=True) as seen:
        outputs = one_tensor(call(network, parameters, inputs.detach().requires_grad_().clone()))
        gradients = torch.autograd.grad(outputs.sum(), [seen[name] for name in parts])
    return dict(zip(parts, gradients, strict=True))


def gradient_correlation(gradients: Tensor) -> GradientCorrelation:
    r"""Mean covariance of two different inputs' gradients over the mean of one's own square.

    $$ R = \frac{\tfrac{1}{m(m-1)} \sum_{i \ne j} g_i \cdot g_j}{\tfrac{1}{m} \sum_i \|g_i\|^2} $$

    the ratio of averages over units and pairs, not the average of ratios; computed in O(m) from
    $\|\sum_i g_i\|^2$.

    Args:
        gradients: `(..., examples, units)`, at least two examples.

    Returns:
        Correlation `(...)`, NaN where all gradients are zero (undefined), and norm `(...)`.

    Raises:
        ValueError: fewer than two examples.

    Source: Balduzzi et al. 2017, section 3 (covariance and correlation between inputs).

    >>> correlation, norm = gradient_correlation(torch.tensor([[3.0, 4.0], [3.0, 4.0]]))
    >>> correlation.item(), norm.item()
    (1.0, 5.0)
    >>> gradient_correlation(torch.eye(2)).correlation.item()
    0.0
    """
    examples = gradients.shape[-2]
    if examples < 2:
        raise ValueError(f"a correlation between inputs needs at least 2 examples, got {examples}")
    gradients = gradients.double()
    squares = gradients.square().sum((-2, -1))
    products = gradients.sum(-2).square().sum(-1) - squares
    correlation = torch.where(squares > 0, products / (examples - 1) / squares, torch.nan)
    return GradientCorrelation(correlation, (squares / examples).sqrt())
