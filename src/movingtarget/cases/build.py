"""Cases from a kind of network, a fault and a seed."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from movingtarget.cases.draft import Batches, Case, Draft
from movingtarget.data.load import Images
from movingtarget.networks.initialise import generator


def draw_batches(images: Images, batches: int, batch_size: int, seed: int) -> Batches:
    """Training images `(batch, 1, side, side)` and labels of another order for each seed.

    If there are too few, they come again in the next order.
    """
    source, wanted = generator(seed, "batches"), batches * batch_size
    rounds = -(-wanted // len(images.train_labels))
    order = torch.cat([torch.randperm(len(images.train_labels), generator=source) for _ in range(rounds)])
    return [
        (images.train_inputs[part].view(-1, 1, images.side, images.side), images.train_labels[part])
        for part in torch.split(order[:wanted], batch_size)
    ]


def build(network: Mapping[str, Any], images: Images, batches: Batches, seed: int) -> Draft:
    """A healthy draft.

    Args:
        network: what its kind is made of, `Kind.made_of`.
        images: of which its inputs and outputs have the sizes.
        batches: that it trains on.
        seed: of initial weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "weights").initial_seed())
        made = named(network["builder"])(images.side, images.classes)
    return Draft(
        made.train(),
        nn.CrossEntropyLoss(),
        batches,
        network["optimiser"],
        network["learning_rate"],
        network["middle"],
    )


def train(case: Case, steps: int, watch: Callable[[Tensor], None] = lambda loss: None) -> None:
    """As many steps, over the batches again and again.

    Args:
        case: whose network is trained in place.
        steps: how many.
        watch: told the loss after each.
    """
    for step in range(steps):
        inputs, labels = case.batches[step % len(case.batches)]
        case.optimiser.zero_grad()
        loss = case.loss(case.network(inputs), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        case.optimiser.step()
        watch(loss)


def named(function: str) -> Any:
    """The function that "module:function" names."""
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)
