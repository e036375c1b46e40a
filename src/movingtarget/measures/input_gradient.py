"""The gradient of a network's output with respect to its input, example by example."""

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from movingtarget.measures.calling import copied
from movingtarget.measures.given import constants, measurable, members, size
from movingtarget.measures.ours import as_before
from movingtarget.measures.population import constant_statistics, evaluating, wide_statistics
from movingtarget.measures.summed import summed_gradients
from movingtarget.networks.stack import Parameters

Inputs = TypeVar("Inputs")


@torch.inference_mode(False)
@torch.enable_grad()
def input_gradients(
    network: nn.Module,
    parameters: Parameters,
    inputs: Inputs,
    statistics: Parameters | None = None,
    *,
    stacked: bool = False,
) -> Inputs:
    r"""Gradient of the summed outputs at every input, $g_i = \sum_p \partial f_p / \partial x_i$.

    Batch statistics are computed from `inputs` and then held constant in the derivative, so that one
    example's output depends on its own input only and one pass forward and one backward yield all gradients
    (two backward for networks that are not of this project, to see that it is so).

    Let the outputs read the last layer through weights of mean zero, as classifiers do: a sum of rectified
    units is aligned with their gates, which raises the variance of gradients and lowers their correlation.
    Outputs that add up to a constant, as those of a softmax do, have gradient zero, and a warning says so.

    Args:
        network: any module; stacked parameters need layers that take them. It is called in eval mode.
        parameters: by name; those not given are its own.
        inputs: `(examples, ...)`, shared by all members; or a tuple or list of arguments, or a mapping of
            arguments by name.
        statistics: from `population_statistics`, in the place of those of `inputs`.
        stacked: the parameters are those of a stack of members.

    Returns:
        `(examples, ...)`, or `(members, examples, ...)` for a stack. Of several inputs in their form: a tuple
        or list with None for what are no floating-point numbers, or a dict without them.

    Raises:
        TypeError: the network returns something other than one tensor.
        ValueError: a parameter is unknown or of another shape; no input is of floating-point numbers; the
            outputs have no derivative, or are not the examples'; examples depend on each other, as through
            batch statistics of one's own.

    Source: Balduzzi et al. 2017, section 2.

    >>> network = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU())
    >>> parameters = {"0.weight": torch.tensor([[1.0], [-3.0]])}
    >>> input_gradients(network, parameters, torch.tensor([[2.0], [-2.0]])).tolist()
    [[1.0], [-3.0]]
    """
    network = measurable(network)
    examples = examples_of(inputs)
    values = constants(network, parameters | (statistics or {}), stacked=stacked)
    named = by_name(inputs)
    leaves = _leaves(named, members(values, stacked=stacked))
    # copies of all inputs, for a network may begin with an operation in place
    given = _formed(inputs, {**copied(named), **{name: leaf.clone() for name, leaf in leaves.items()}})
    held = constant_statistics(network) if statistics is None else wide_statistics(network)
    with as_before(network), held, evaluating(network):
        gradients = summed_gradients(
            network,
            values,
            given,
            lambda outputs: (one_output(outputs, examples, stacked=stacked), list(leaves.values())),
            stacked=stacked,
        )
    found = dict(zip(leaves, gradients, strict=True))
    others = {} if isinstance(inputs, Mapping) else dict.fromkeys(named)
    return _formed(inputs, {**others, **found})  # type: ignore[no-any-return]


def one_output(outputs: object, examples: int, *, stacked: bool = False) -> Tensor:
    """The outputs themselves, if they are one tensor with the examples first, after the members of a stack.

    Raises:
        TypeError: they are no tensor.
        ValueError: they are not as many as the examples.

    >>> one_output(("outputs", "attention"), 4)
    Traceback (most recent call last):
    TypeError: the network returns tuple; allowed: one tensor, examples first
    """
    if not isinstance(outputs, Tensor):
        raise TypeError(f"the network returns {type(outputs).__name__}; allowed: one tensor, examples first")
    if outputs.dim() <= stacked or outputs.shape[stacked] != examples:
        first = "examples first, after the members" if stacked else "examples first"
        raise ValueError(f"the network returns {size(outputs)} for {examples} examples; allowed: {first}")
    return outputs


def examples_of(inputs: Any) -> int:
    """How many examples there are: the length of the first tensor among the inputs.

    Raises:
        ValueError: there is no tensor, or it is empty or a single number.
    """
    first = next((value for value in by_name(inputs).values() if isinstance(value, Tensor)), None)
    if first is None or not first.dim() or not len(first):
        found = "no tensor" if first is None else size(first)
        raise ValueError(f"inputs are {found}; allowed: tensors with the examples along the first axis")
    return len(first)


def by_name(inputs: Any) -> dict[Any, Any]:
    """Every input by its name or place."""
    if isinstance(inputs, Mapping):
        return dict(inputs)
    return dict(enumerate(inputs if isinstance(inputs, tuple | list) else [inputs]))


def _formed(inputs: Any, values: dict[Any, Any]) -> Any:
    """Such values in the form that the inputs came in."""
    if isinstance(inputs, Mapping):
        return values
    if isinstance(inputs, list):
        return [*values.values()]
    return tuple(values.values()) if isinstance(inputs, tuple) else values[0]


def _leaves(named: dict[Any, Any], leading: tuple[int, ...]) -> dict[Any, Tensor]:
    """A copy to derive by of every input of floating-point numbers, for each member."""
    floating = {
        name: value
        for name, value in named.items()
        if isinstance(value, Tensor) and value.is_floating_point()
    }
    if not floating:
        kinds = ", ".join(_kind(value) for value in named.values())
        raise ValueError(
            f"inputs are {kinds}; allowed: tensors of floating-point numbers (whole ones have no gradient: "
            "take layer_gradients at the output of the embedding that reads them)"
        )
    return {
        name: value.detach().expand(*leading, *value.shape).clone().requires_grad_()
        for name, value in floating.items()
    }


def _kind(value: Any) -> str:
    return f"of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
