"""The interface of every update rule, and the cost it reports."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor, nn

from movingtarget.networks.layers import Linear
from movingtarget.networks.stack import Parameters

Memory = dict[str, Any]
"""What a rule keeps from step to step, by name: tensors, numbers, and lists and dicts of them."""


class Batch(NamedTuple):
    """One minibatch for each member.

    Attributes:
        inputs: `(members, batch, features)`.
        labels: classes `(members, batch)`, or images to be reconstructed `(members, batch, pixels)`.
    """

    inputs: Tensor
    labels: Tensor

    @property
    def size(self) -> int:
        """Examples of each member."""
        return self.labels.shape[1]

    def parts(self, number: int) -> "list[Batch]":
        """As many minibatches of equal size; raises ValueError if the examples do not divide so."""
        size = self.size
        if size % number:
            raise ValueError(
                f"batch of {size} examples for {number} layers with examples of their own; "
                f"allowed: multiples of {number}"
            )
        inputs, labels = (part.chunk(number, 1) for part in self)
        return [Batch(*part) for part in zip(inputs, labels, strict=True)]


class Cost(NamedTuple):
    """What one step cost one member.

    `gradient_evaluations` counts the points in weight space at which a gradient was taken, of all layers or
    of one, of whatever loss; `flops` counts the matrix products, a multiplication and an addition as two.
    """

    gradient_evaluations: float
    flops: float


class Outcome(NamedTuple):
    """What one step leaves: parameters (their storage may be reused), the rule's memory, cost, loss.

    `loss` `(members,)` is the minibatch's before the step, as in `member_losses`.
    """

    parameters: Parameters
    memory: Memory
    cost: Cost
    loss: Tensor


UpdateRule = Callable[[nn.Module, Parameters, Batch, Memory, Tensor], Outcome]
"""(network, parameters, batch, memory, learning rate of each member) -> Outcome; memory starts empty."""


def forward_flops(network: nn.Module, batch_size: int) -> float:
    """Matrix-product FLOPs of one forward pass: 2 x batch x in x out of every affine layer, at each place."""
    return sum(
        2.0 * batch_size * layer.places * layer.in_features * layer.out_features
        for layer in network.modules()
        if isinstance(layer, Linear)
    )


def backpropagation_flops(network: nn.Module, batch_size: int) -> float:
    """Matrix-product FLOPs of one forward pass and one gradient of every parameter."""
    return 3 * forward_flops(network, batch_size) - input_gradient_flops(network, batch_size)


def input_gradient_flops(network: nn.Module, batch_size: int) -> float:
    """The share of a backward pass that backpropagation leaves out: the gradient of the network's input.

    Zero where normalisation comes before the first affine layer: its gain and shift want that gradient.
    """
    first = next(part for part in network.modules() if next(part.parameters(recurse=False), None) is not None)
    return forward_flops(first, batch_size)


def steps_done(memory: Memory) -> int:
    """How many steps a rule has taken that counts them in its memory as "step", a number."""
    return int(memory.get("step", 0))
