"""Small networks with what a probe is given of them, and what they are like before and after."""

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

EXAMPLES = 16


class Given(NamedTuple):
    """The arguments of a probe."""

    network: Any
    loss: Any
    batches: list[Any]
    optimiser: torch.optim.Optimizer


def data(
    count: int = 6, size: tuple[int, ...] = (4,), examples: int = EXAMPLES
) -> list[tuple[Tensor, Tensor]]:
    """Normal inputs, and the signs of their first numbers, of three classes."""
    source = torch.Generator().manual_seed(1)
    inputs = [torch.randn(examples, *size, generator=source) for _ in range(count)]
    return [
        (part, part.flatten(1)[:, 0].gt(0).long() + part.flatten(1)[:, 1].gt(0).long()) for part in inputs
    ]


def perceptron(depth: int = 2, width: int = 8) -> Any:
    """Linear layers and tanh."""
    torch.manual_seed(0)
    sizes = [4, *[width] * (depth - 1), 3]
    parts = [part for size in pairwise(sizes) for part in (nn.Linear(*size), nn.Tanh())]
    return nn.Sequential(*parts[:-1])


def convnet() -> Any:
    """Batch norm, in training mode."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 3, 3), nn.Flatten(), nn.Linear(12, 3)
    )


class Transformer(nn.Module):
    """Tokens by name, dropout, a dict."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(7, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Logits `(batch, 3)`."""
        return {"logits": self.head(self.block(self.embed(tokens)).mean(1))}


def tokens(count: int = 6) -> list[dict[str, Tensor]]:
    """Batches by name."""
    source = torch.Generator().manual_seed(0)
    drawn = [torch.randint(7, (EXAMPLES, 5), generator=source) for _ in range(count)]
    return [{"tokens": part, "labels": part[:, 0] % 3} for part in drawn]


def of_logits(outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of a mapping."""
    return nn.functional.cross_entropy(outputs["logits"], batch["labels"])


def sgd(network: nn.Module, rate: float = 0.1) -> torch.optim.Optimizer:
    return torch.optim.SGD(network.parameters(), rate)


def given_perceptron(depth: int = 2) -> Given:
    network = perceptron(depth)
    return Given(network, nn.functional.cross_entropy, data(), sgd(network))


def given_convnet() -> Given:
    network = convnet()
    return Given(network, nn.CrossEntropyLoss(), data(size=(1, 6, 6)), sgd(network))


def given_transformer() -> Given:
    network = Transformer()
    return Given(network, of_logits, tokens(), torch.optim.AdamW(network.parameters(), 1e-2))


GIVEN: dict[str, Callable[[], Given]] = {
    "one layer": lambda: given_perceptron(1),
    "perceptron": lambda: given_perceptron(4),
    "fifty layers": lambda: given_perceptron(50),
    "convnet": given_convnet,
    "transformer": given_transformer,
}


def counted(network: nn.Module, counts: dict[str, int]) -> None:
    """Count the calls of each part without parts of its own, and of the network."""
    for name, part in network.named_modules():
        if not name or not [*part.children()]:
            part.register_forward_hook(_adding(counts, name))


def _adding(counts: dict[str, int], name: str) -> Any:
    def hook(part: Any, inputs: Any, outputs: Any) -> None:
        counts[name] = counts.get(name, 0) + 1

    return hook


def state_of(given: Given) -> Any:
    """All that has to be as before: values copied, objects by identity."""
    network, _, batches, optimiser = given
    modules = {
        name: {key: _plain(value) for key, value in vars(part).items()}
        for name, part in network.named_modules()
    }
    gradients = {name: (id(value.grad), _plain(value.grad)) for name, value in network.named_parameters()}
    wanted = {name: (id(value), value.requires_grad) for name, value in network.named_parameters()}
    random_state = (
        torch.get_rng_state().tolist(),
        random.getstate(),
        [str(part) for part in np.random.get_state()],
    )
    return {
        "modules": modules,
        "gradients": gradients,
        "parameters": wanted,
        "optimiser": _plain(vars(optimiser)),
        "random": random_state,
        "batches": _plain(batches),
    }


def _plain(value: Any) -> Any:
    """Nested containers of numbers, which can be compared; of other objects the identity."""
    if isinstance(value, Tensor):
        return "tensor", id(value), value.dtype, value.detach().clone().tolist()
    if isinstance(value, torch.optim.Optimizer):
        return _plain(vars(value))
    if isinstance(value, dict):
        return {str(id(key)) if isinstance(key, Tensor) else key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, (int, float, str, bool, type(None))):
        return value
    return id(value)
