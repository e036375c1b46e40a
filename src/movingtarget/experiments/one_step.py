"""Experiment: what one step of an optimiser, and ten on the same minibatch, do to the layers of a network."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.measures.layers import layers_of
from movingtarget.measures.moving_target import movement
from movingtarget.networks.build import Architecture, build_random
from movingtarget.networks.initialise import Weights, generator
from movingtarget.networks.losses import member_losses
from movingtarget.networks.stack import Parameters, call, stack
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    POSITIVES,
    SEEDS,
    names_of,
    of_training_images,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.interface import Batch
from movingtarget.training.minibatches import batches
from movingtarget.work import NOTHING, Data, Work


def jobs(config: Config) -> list[Job]:
    """One, of all networks."""
    settings = config["one_step"]
    return [Job("", settings, families=("plain", *settings["networks"]))]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Steps of both optimisers at all rates, of every network."""
    trainings, found = 2 * len(settings["learning_rates"]), NOTHING
    for family, depth in product(settings["networks"], settings["depths"]):
        network = work.perceptron(family, data.pixels, settings["hidden_width"], depth, data.classes)
        found += settings["steps"] * work.step(network, len(settings["seeds"]), settings["batch_size"])
    return trainings * found


STUDY = Study(
    rule="measure_one_step",
    settings={
        "seeds": SEEDS,
        "learning_rates": POSITIVES,
        "steps": COUNT,
        "hidden_width": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "depths": COUNTS,
        "networks": several(FAMILY),
    },
    tables={
        "one_step": {
            "network": ("example", *names_of(FAMILY)),
            "depth": int,
            "optimiser": ("sgd", "adam"),
            "learning_rate": float,
            "seed": int,
            "step": int,
            "layer": int,
            "quantity": ("loss", "movement"),
            "value": MEASURED,
        }
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    work=counted,
)

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
}

EXAMPLE_INPUTS, EXAMPLE_WIDTH, EXAMPLE_BATCH = 5, 10, 32
"""Of the network named example."""

Losses = Callable[[Tensor, Tensor], Tensor]
"""Logits `(members, batch, outputs)` and labels `(members, batch)` -> losses `(members,)`, in nats."""


class Steps(NamedTuple):
    """What steps on one minibatch did to each member of a stack.

    Attributes:
        loss: `(steps + 1, members)`, before the first step and after each; NaN from where it is not finite.
        movement: `(layers, members)` by the first step, relative to the norm of the layer's parameters.
    """

    loss: Tensor
    movement: Tensor


def measure(
    images: Images,
    seeds: Sequence[int],
    learning_rates: Sequence[float],
    steps: int,
    hidden_width: int,
    batch_size: int,
    depths: Sequence[int],
    networks: Sequence[str],
    activation: str,
    initial_weights: Weights,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table one_step: the example, and every network at every depth, under every optimiser and rate.

    All of them start at a seed's own initial weights and stay on its own minibatch, the first of training.
    The loss stands at layer 0.

    Raises:
        ValueError: the minibatch is larger than the training data.
    """
    if not 0 < batch_size <= (most := len(images.train_labels)):
        raise ValueError(f"batch_size is {batch_size}; allowed: 1 to {most}, the training images")
    study = partial(_study, seeds=seeds, learning_rates=learning_rates, steps=steps)
    say("example")
    members = [example_network(seed, initial_weights) for seed in seeds]
    frames = [study(members, example_batch(seeds), binary_losses).assign(network="example", depth=1)]
    batch = _first_minibatch(images, batch_size, seeds)
    for network, depth in product(networks, depths):
        say(f"{network}, depth {depth}")
        architecture = Architecture(
            network, images.features, hidden_width, depth, images.classes, activation, initial_weights
        )
        members = [build_random(architecture, seed).to(images.device) for seed in seeds]
        frames.append(study(members, batch, member_losses).assign(network=network, depth=depth))
    return {"one_step": pd.concat(frames, ignore_index=True)}


def take_steps(
    network: nn.Module,
    parameters: Parameters,
    batch: Batch,
    losses: Losses,
    optimiser: Callable[..., torch.optim.Optimizer],
    steps: int,
) -> Steps:
    """Steps of one optimiser for a whole stack on one minibatch, every layer moved by each.

    Args:
        network: of a kind that `chain` knows, in training mode.
        parameters: of the stack; left as they are.
        batch: one minibatch for each member, the same in all steps.
        losses: what is minimised, member by member.
        optimiser: makes an elementwise optimiser of tensors, which members share without touching.
        steps: at least one.
    """
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    stepper = optimiser(leaves.values())
    measured = [_step(network, leaves, batch, losses, stepper)]
    moved = {name: leaf.detach() for name, leaf in leaves.items()}
    moved_by = movement(layers_of(network, batch.inputs), parameters, moved, stacked=True)
    measured += [_step(network, leaves, batch, losses, stepper) for _ in range(steps - 1)]
    with torch.no_grad():
        measured.append(losses(call(network, leaves, batch.inputs), batch.labels))
    loss = torch.stack(measured)
    so_far = loss.isfinite().cumprod(0).bool()
    return Steps(loss.where(so_far, torch.nan), moved_by)


def binary_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross-entropy (nats) of each member, a sigmoid applied to its one output."""
    wanted = labels[..., None].to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean((-2, -1))


def example_network(seed: int, weights: Weights) -> nn.Module:
    """A dense layer of ten rectifiers and one of a sigmoid, which `binary_losses` applies."""
    return build_random(Architecture("plain", EXAMPLE_INPUTS, EXAMPLE_WIDTH, 1, 1, "relu", weights), seed)


def example_batch(seeds: Sequence[int]) -> Batch:
    """Standard normal inputs, each seed's own, labelled 1 where those of an example sum to more than zero."""
    size = (EXAMPLE_BATCH, EXAMPLE_INPUTS)
    inputs = torch.stack([torch.randn(size, generator=generator(seed, "example inputs")) for seed in seeds])
    return Batch(inputs, (inputs.sum(-1) > 0).long())


def _first_minibatch(images: Images, batch_size: int, seeds: Sequence[int]) -> Batch:
    index = batches(len(images.train_labels), batch_size, seeds, epoch=0)[0]
    return Batch(images.train_inputs[index], images.train_labels[index])


def _study(
    members: Sequence[nn.Module],
    batch: Batch,
    losses: Losses,
    seeds: Sequence[int],
    learning_rates: Sequence[float],
    steps: int,
) -> pd.DataFrame:
    """Rows of one network, a member for each seed, under every optimiser and rate."""
    parameters = stack(members)
    rows = []
    for (name, optimiser), rate in product(OPTIMISERS.items(), learning_rates):
        taken = take_steps(members[0], parameters, batch, losses, partial(optimiser, lr=rate), steps)
        rows += [{"optimiser": name, "learning_rate": rate} | row for row in _rows(taken, seeds)]
    return pd.DataFrame(rows)


def _rows(taken: Steps, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """A row for each value and member."""
    measured = [
        *(("loss", step, 0, values) for step, values in enumerate(taken.loss)),
        *(("movement", 1, layer, values) for layer, values in enumerate(taken.movement, 1)),
    ]
    return [
        {"quantity": quantity, "step": step, "layer": layer, "seed": seed, "value": value}
        for quantity, step, layer, values in measured
        for seed, value in zip(seeds, values.tolist(), strict=True)
    ]


def _step(
    network: nn.Module, leaves: Parameters, batch: Batch, losses: Losses, stepper: torch.optim.Optimizer
) -> Tensor:
    """One step in place: the losses before it; its gradients stay with the leaves."""
    stepper.zero_grad()
    values = losses(call(network, leaves, batch.inputs), batch.labels)
    # members share no parameter, so the gradient of the sum holds each one's own
    torch.autograd.backward(values.sum())
    stepper.step()
    return values.detach()
