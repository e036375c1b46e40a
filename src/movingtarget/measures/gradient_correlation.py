"""Correlation between the gradients of different inputs, layer by layer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.calling import copied
from movingtarget.measures.given import constants, measurable, size
from movingtarget.measures.input_gradient import examples_of, one_output
from movingtarget.measures.ours import as_before
from movingtarget.measures.population import wide_statistics
from movingtarget.measures.scale import unit_scale
from movingtarget.measures.summed import summed_gradients
from movingtarget.networks.stack import Parameters


class GradientCorrelation(NamedTuple):
    """Mean correlation between the gradients of two inputs, and root-mean-square norm of one gradient."""

    correlation: Tensor
    norm: Tensor


@torch.inference_mode(False)
@torch.enable_grad()
def layer_gradients(
    network: nn.Module,
    parameters: Parameters,
    inputs: Any,
    parts: Mapping[str, nn.Module],
    *,
    stacked: bool = False,
) -> dict[str, Tensor]:
    r"""Gradient of the summed outputs with respect to the outputs of each part.

    $$ g_i = \sum_p \partial f_p / \partial n(x_i) $$

    The network is called as it stands: put it in eval mode, with population statistics among the
    parameters, for batch statistics to be constants. Outputs that add up to a constant, as those of a softmax
    do, have gradient zero, and a warning says so.

    Args:
        network: any module.
        parameters: by name, buffers among them; those not given are its own.
        inputs: `(examples, ...)`, of any numbers; of a stack, also `(members, examples, ...)`. Or a tuple or
            list of arguments, or a mapping of arguments by name.
        parts: submodules of the network by name, each called once: for tokens, the embedding.
        stacked: the parameters are those of a stack of members.

    Returns:
        For each part its gradients, `(examples, ...)`, or `(members, examples, ...)`; zero where the outputs
        do not depend on it.

    Raises:
        TypeError: the network or a part returns something other than one tensor; parts are no modules.
        ValueError: a part is not called once, or its outputs are not the examples' floating-point numbers;
            a parameter is unknown or of another shape; the outputs have no derivative, or are not the
            examples'; examples depend on each other, as through batch statistics.

    Source: Balduzzi et al. 2017, section 3.

    >>> network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    >>> parameters = {"0.weight": torch.eye(2), "2.weight": torch.tensor([[2.0, 3.0]])}
    >>> inputs = torch.tensor([[1.0, 1.0], [1.0, -1.0]])  # the second closes one of two gates
    >>> layer_gradients(network, parameters, inputs, {"first": network[0]})["first"].tolist()
    [[2.0, 3.0], [2.0, 0.0]]
    """
    network = measurable(network)
    _check_parts(parts)
    values = constants(network, parameters, stacked=stacked)
    with as_before(network), wide_statistics(network), _derived_by(parts) as calls:

        def places_of(returned: object) -> tuple[Tensor, list[Tensor]]:
            places = {name: _place(name, [*seen]) for name, seen in calls.items()}
            outputs = one_output(returned, _examples(inputs, returned, stacked), stacked=stacked)
            for name, place in places.items():
                _check_axes(name, place, outputs, 1 + stacked)
            return outputs, [*places.values()]

        gradients = summed_gradients(network, values, copied(inputs), places_of, stacked=stacked)
    return dict(zip(parts, gradients, strict=True))


def gradient_correlation(gradients: Tensor, *, stacked: bool = False) -> GradientCorrelation:
    r"""Mean covariance of two different inputs' gradients over the mean of one's own square.

    $$ R = \frac{\tfrac{1}{m(m-1)} \sum_{i \ne j} g_i \cdot g_j}{\tfrac{1}{m} \sum_i \|g_i\|^2} $$

    the ratio of averages over units and pairs, not the average of ratios; computed in O(m) from
    $\|\sum_i g_i\|^2$.

    Args:
        gradients: `(examples, ...)`, of any size, at least two examples; all other axes are units.
        stacked: a leading axis is that of members, `(members, examples, ...)`.

    Returns:
        Correlation and norm, `()` or `(members,)`, in float64; the correlation is NaN where all gradients are
        zero (undefined), both where one is not finite.

    Raises:
        ValueError: fewer than two examples, or none of the axes that are wanted.

    Source: Balduzzi et al. 2017, section 3 (covariance and correlation between inputs).

    >>> correlation, norm = gradient_correlation(torch.tensor([[3.0, 4.0], [3.0, 4.0]]))
    >>> correlation.item(), norm.item()
    (1.0, 5.0)
    >>> gradient_correlation(torch.eye(2)).correlation.item()
    0.0
    """
    gradients = examples_and_units(gradients, stacked=stacked)
    examples = gradients.shape[-2]
    if examples < 2:
        raise ValueError(f"a correlation between inputs needs at least 2 examples, got {examples}")
    gradients, unit = unit_scale(gradients, [-2, -1])
    squares = gradients.square().sum((-2, -1))
    products = gradients.sum(-2).square().sum(-1) - squares
    correlation = torch.where(squares > 0, products / (examples - 1) / squares, torch.nan)
    return GradientCorrelation(correlation, (squares / examples).sqrt() * unit[..., 0, 0])


def examples_and_units(gradients: Tensor, *, stacked: bool) -> Tensor:
    """Gradients of examples in any shape, such as images, as `(examples, units)`.

    Raises:
        TypeError: they are no tensor.
        ValueError: there is no axis of examples.

    >>> examples_and_units(torch.zeros(16, 1, 8, 8), stacked=False).shape
    torch.Size([16, 64])
    """
    if not isinstance(gradients, Tensor):
        kind = type(gradients).__name__
        raise TypeError(f"gradients are {kind}; allowed: one tensor, as of one of several inputs or parts")
    if gradients.dim() <= stacked:
        allowed = "members x examples x units" if stacked else "examples x units"
        raise ValueError(f"gradients are {size(gradients)}; allowed: {allowed}")
    return gradients[..., None].flatten(1 + stacked)


@contextmanager
def _derived_by(parts: Mapping[str, nn.Module]) -> Iterator[dict[str, list[Any]]]:
    """What each part returns in each call inside, to derive by; the network goes on with copies."""
    calls: dict[str, list[Any]] = {name: [] for name in parts}

    def hook_of(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> Any:
            if isinstance(output, Tensor) and output.is_floating_point():
                output = output if output.requires_grad else output.detach().requires_grad_()
            calls[name].append(output)
            return output.clone() if isinstance(output, Tensor) else None

        return hook

    handles = [part.register_forward_hook(hook_of(name)) for name, part in parts.items()]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _check_parts(parts: Mapping[str, nn.Module]) -> None:
    if not isinstance(parts, Mapping):
        raise TypeError(f"parts are {type(parts).__name__}; allowed: submodules of the network by name")
    for name, part in parts.items():
        if not isinstance(part, nn.Module):
            raise TypeError(f"part '{name}' is {type(part).__name__}; allowed: a submodule of the network")


def _place(name: str, calls: list[Any]) -> Tensor:
    """The one output of a part."""
    if len(calls) != 1:
        raise ValueError(f"part '{name}' was called {len(calls)} times; allowed: a part that is called once")
    (output,) = calls
    if not isinstance(output, Tensor):
        raise TypeError(
            f"part '{name}' returned {type(output).__name__}; allowed: one tensor, as of a part of it, or of "
            "a module around it that picks what is meant"
        )
    if not output.is_floating_point():
        raise ValueError(f"part '{name}' returned {output.dtype}; allowed: floating-point numbers")
    return output


def _check_axes(name: str, place: Tensor, outputs: Tensor, leading: int) -> None:
    if place.shape[:leading] != outputs.shape[:leading]:
        first = "members and examples first" if leading > 1 else "examples first"
        raise ValueError(
            f"part '{name}' returned {size(place)} where the network returns {size(outputs)}; allowed: "
            f"{first}, in both"
        )


def _examples(inputs: Any, outputs: Any, stacked: bool) -> int:
    """How many there are: a stack's inputs may have an axis of members or not, its outputs have."""
    if stacked and isinstance(outputs, Tensor) and outputs.dim() > 1:
        return outputs.shape[1]
    return examples_of(inputs)
