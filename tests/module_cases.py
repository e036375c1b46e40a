"""Modules of all kinds that people bring, and inputs for them, in float64."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

EXAMPLES = 6


class Case(NamedTuple):
    """A module, what it is called with, and the parts of it that each return one tensor of the examples."""

    network: nn.Module
    inputs: Any
    parts: dict[str, nn.Module]


class By(nn.Module):
    """What a function makes of parts and inputs."""

    def __init__(self, function: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, *places: Any, **names: Any) -> Any:
        """What the function returns."""
        return self.function(self, *places, **names)


class Keeping(nn.Linear):
    """Cannot be copied, keeps its last outputs and counts its calls."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.lock, self.calls, self.last = threading.Lock(), 0, torch.zeros(0)

    def forward(self, inputs: Tensor) -> Tensor:
        """The affine map."""
        self.calls += 1
        self.last = super().forward(inputs)
        return self.last


def rows(*size: int) -> Tensor:
    """Normal inputs."""
    return torch.randn(EXAMPLES, *size, dtype=torch.double)


def tokens() -> Tensor:
    """Whole numbers below 9."""
    return torch.randint(9, (EXAMPLES, 5))


def sequential() -> Case:
    """A perceptron with batch norm, in training mode."""
    network = nn.Sequential(nn.Linear(4, 7), nn.BatchNorm1d(7), nn.ReLU(inplace=True), nn.Linear(7, 3))
    return Case(network, rows(4), {"first": network[0], "norm": network[1], "rectifier": network[2]})


def convolutional() -> Case:
    """Images, batch norm, instance norm and group norm."""
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3),
        nn.InstanceNorm2d(4, affine=True),
        nn.GroupNorm(2, 4),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(36, 3),
    )
    return Case(network, rows(2, 5, 5), {"low": network[0], "high": network[6]})


def residual() -> Case:
    """A block that is added to its inputs, called by name, with a batch norm without gain."""
    branch = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6, affine=False), nn.Tanh())
    network = By(
        lambda it, inputs: it.head((hidden := it.first(input=inputs)) + it.branch(input=hidden)),
        first=nn.Linear(4, 6),
        branch=branch,
        head=nn.Linear(6, 3),
    )
    return Case(network, {"inputs": rows(4)}, {"branch": branch, "first": network.first})  # type: ignore[dict-item]


def transformer() -> Case:
    """Attention, layer norm, dropout, and an output layer tied to the embedding."""
    block = nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True)
    network = By(
        lambda it, ids: it.head(it.block(it.embedding(ids)).mean(1)),
        embedding=nn.Embedding(9, 8),
        block=block,
        head=nn.Linear(8, 9, bias=False),
    )
    network.head.weight = network.embedding.weight  # type: ignore[union-attr]
    return Case(network.eval(), tokens(), {"embedding": network.embedding, "wide": block.linear1})  # type: ignore[dict-item]


def several_inputs() -> Case:
    """Whole numbers, real numbers and a flag; a part that is called and not used; a frozen one."""
    network = By(
        lambda it, ids, dense, scale: (
            it.unused(dense),
            it.head(it.mix(it.ids(ids).mean(1)) * scale + it.dense(dense)),
        )[1],
        ids=nn.Embedding(9, 4),
        mix=nn.Tanh(),
        dense=nn.Linear(3, 4).requires_grad_(False),
        unused=nn.Linear(3, 2),
        head=nn.Linear(4, 2),
    )
    return Case(
        network,
        (tokens(), rows(3), 2.0),
        {name: network.get_submodule(name) for name in ("ids", "mix", "dense", "unused")},
    )


def recurrent() -> Case:
    """An LSTM, which returns a tuple, and a layer that is called at every step."""
    network = By(
        lambda it, inputs: it.head(it.pick(it.shared(it.shared(it.lstm(inputs)[0]))).tanh()),
        lstm=nn.LSTM(3, 4, batch_first=True),
        shared=nn.Linear(4, 4),
        pick=By(lambda _, steps: steps[:, -1]),
        head=nn.Linear(4, 2),
    )
    return Case(network, [rows(5, 3)], {"pick": network.pick})  # type: ignore[dict-item]


def checkpointed() -> Case:
    """Computes its first part anew on the way back."""
    inside = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh())
    network = By(
        lambda it, inputs: it.head(checkpoint(it.inside, inputs, use_reentrant=False)),
        inside=inside,
        head=nn.Linear(6, 2),
    )
    return Case(network, rows(4), {"inside": inside, "first": inside[0]})


def keeping() -> Case:
    """A part that cannot be copied and changes itself."""
    part = Keeping(4, 5)
    return Case(nn.Sequential(part, nn.Tanh(), nn.Linear(5, 2)), rows(4), {"part": part})


def parametrised() -> Case:
    """Weights that are computed from others."""
    first = nn.utils.parametrizations.weight_norm(nn.Linear(4, 5))
    return Case(nn.Sequential(first, nn.Tanh(), nn.Linear(5, 2)), rows(4), {"first": first})


CASES: dict[str, Callable[[], Case]] = {
    make.__name__: make
    for make in (
        sequential,
        convolutional,
        residual,
        transformer,
        several_inputs,
        recurrent,
        checkpointed,
        keeping,
        parametrised,
    )
}


def case_of(name: str) -> Case:
    """The same modules and inputs each time."""
    torch.manual_seed(0)
    case = CASES[name]()
    case.network.double()
    return case
