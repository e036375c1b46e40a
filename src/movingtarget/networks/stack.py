"""A stack of members: the parameters of equal networks, joined along a new first axis."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call

Parameters = dict[str, Tensor]
"""Parameters (and buffers) by name; of a stack, each with a leading axis of members."""


def stack(networks: Iterable[nn.Module]) -> Parameters:
    """The parameters of equal networks as tensors `(members, ...)`."""
    members = [
        {name: value.detach().clone() for name, value in network.named_parameters()} for network in networks
    ]
    return {name: torch.stack([member[name] for member in members]) for name in members[0]}


def unstack(parameters: Parameters, member: int) -> Parameters:
    """The parameters of one member, without the members' axis."""
    return {name: value[member] for name, value in parameters.items()}


def call(network: nn.Module, parameters: Parameters, inputs: Tensor) -> Tensor:
    """The outputs of `network` with its parameters (and buffers) replaced: `(members, batch, outputs)`."""
    return functional_call(network, parameters, (inputs,))  # type: ignore[no-any-return]
