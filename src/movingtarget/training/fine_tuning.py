"""Fine-tuning: a stack goes on from trained hidden layers, on few examples of other classes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.measures.layers import layers_of
from movingtarget.measures.moving_target import gradient_norms
from movingtarget.measures.population import population_statistics
from movingtarget.networks.initialise import generator
from movingtarget.networks.losses import member_losses
from movingtarget.networks.stack import Parameters, call
from movingtarget.training.evaluation import Score, evaluate
from movingtarget.training.interface import Batch, UpdateRule


class Tuned(NamedTuple):
    """What fine-tuning has come to.

    Attributes:
        train_loss: `(members,)`, on the few examples, in nats.
        held: the score of each member on held-out examples.
        movement: `(layers, members)`, how far each layer has come, as a share of the sum over layers.
    """

    train_loss: Tensor
    held: Score
    movement: Tensor


def of_classes(images: Images, classes: Sequence[int]) -> Images:
    """The images of some classes alone, labelled by the classes' places in the list.

    >>> inputs, labels = torch.arange(4.0)[:, None], torch.tensor([0, 1, 2, 1])
    >>> half = of_classes(Images(inputs, labels, inputs, labels), [2, 1])
    >>> half.train_inputs.flatten().tolist(), half.train_labels.tolist()
    ([1.0, 2.0, 3.0], [1, 0, 1])
    """
    return Images(
        *_of_classes(images.train_inputs, images.train_labels, classes),
        *_of_classes(images.test_inputs, images.test_labels, classes),
    )


def hold_out(images: Images, examples: int) -> Images:
    """The training images but for the last `examples`, which take the test images' place.

    Raises:
        ValueError: no training image would be left.
    """
    count = len(images.train_labels)
    if not 0 < examples < count:
        raise ValueError(
            f"validation_examples is {examples}; allowed: 1 to {count - 1}, of {count} training images"
        )
    inputs, labels = images.train_inputs, images.train_labels
    return Images(inputs[:-examples], labels[:-examples], inputs[-examples:], labels[-examples:])


def few_examples(images: Images, of_each: int, seeds: Sequence[int]) -> Batch:
    """So many training images of each class, each seed's own draw; inputs `(seeds, examples, features)`.

    Raises:
        ValueError: a class has fewer.
    """
    least = int(images.train_labels.bincount(minlength=images.classes).min())
    if of_each > least:
        raise ValueError(
            f"examples is {of_each}; allowed: 1 to {least}, the training images of the smallest class"
        )
    index = torch.stack([_drawn(images, of_each, seed) for seed in seeds])
    return Batch(images.train_inputs[index], images.train_labels[index])


def on_top_of(trained: Parameters, fresh: Parameters) -> Parameters:
    """Parameters of trained networks, but for an output layer of other, fresh ones.

    >>> head, hidden = torch.zeros(1, 2), torch.ones(1, 2)
    >>> on_top_of({"hidden": hidden, "head.bias": hidden}, {"hidden": head, "head.bias": head})
    {'hidden': tensor([[1., 1.]]), 'head.bias': tensor([[0., 0.]])}
    """
    return {name: value if name.startswith("head.") else trained[name] for name, value in fresh.items()}


def fine_tune(
    network: nn.Module,
    start: Parameters,
    examples: Batch,
    rule: UpdateRule,
    learning_rates: Tensor,
    steps: int,
    held: tuple[Tensor, Tensor],
) -> Tuned:
    """Train every member on all of its few examples at once, and score it on held-out ones.

    Args:
        network: of a kind that `chain` knows, in training mode.
        start: the stack's parameters; left as they are.
        examples: each member's own.
        rule: what a step does.
        learning_rates: `(members,)`.
        steps: at least one.
        held: inputs `(examples, features)` and labels that all members are scored on, batch norm with the
            statistics of the member's few examples.
    """
    parameters, memory = {name: value.clone() for name, value in start.items()}, Parameters()
    for _ in range(steps):
        outcome = rule(network, parameters, examples, memory, learning_rates)
        parameters, memory = outcome.parameters, outcome.memory
    with torch.no_grad():
        loss = member_losses(call(network, parameters, examples.inputs), examples.labels)
    statistics = population_statistics(network, parameters, examples.inputs, stacked=True)
    moved = {name: parameters[name] - start[name] for name in start}
    far = gradient_norms(layers_of(network, examples.inputs), moved, stacked=True)
    return Tuned(loss, evaluate(network, parameters, statistics, *held), far / far.sum(0))


def _of_classes(inputs: Tensor, labels: Tensor, classes: Sequence[int]) -> tuple[Tensor, Tensor]:
    places = labels.new_full((max(int(labels.max()), *classes) + 1,), -1)
    for place, one in enumerate(classes):
        places[one] = place
    among = places[labels] >= 0
    return inputs[among], places[labels[among]]


def _drawn(images: Images, of_each: int, seed: int) -> Tensor:
    """Places of the training images that a seed draws, class by class."""
    source = generator(seed, "few examples")
    order = torch.randperm(len(images.train_labels), generator=source).to(images.device)
    labels = images.train_labels[order]
    return torch.cat([order[labels == one][:of_each] for one in range(images.classes)])
