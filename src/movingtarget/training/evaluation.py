"""Loss and accuracy of a stack of members on held data."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from movingtarget.measures.population import population_statistics
from movingtarget.networks.losses import member_losses
from movingtarget.networks.stack import Parameters, call


class Score(NamedTuple):
    """Mean cross-entropy (nats) and share of right answers (NaN if the loss is not finite), `(members,)`."""

    loss: Tensor
    accuracy: Tensor


@torch.no_grad()
def evaluate(
    network: nn.Module, parameters: Parameters, statistics: Parameters, inputs: Tensor, labels: Tensor
) -> Score:
    """Score every member on the same examples, with population statistics in the normalisation layers.

    Args:
        network: any module that takes stacked parameters; its training mode is restored.
        parameters: of the stack.
        statistics: from `population_statistics`.
        inputs: `(examples, features)`.
        labels: `(examples,)`.
    """
    was_training = network.training
    network.eval()
    logits = call(network, parameters | statistics, inputs)
    network.train(was_training)
    shared = labels.expand(logits.shape[:-1])
    losses = member_losses(logits, shared)
    accuracies = (logits.argmax(-1) == shared).double().mean(-1)
    return Score(losses, torch.where(losses.isfinite(), accuracies, torch.nan))


def evaluate_split(
    network: nn.Module,
    parameters: Parameters,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
) -> dict[str, Tensor]:
    """Loss and accuracy on training and test examples, population statistics taken from the former."""
    statistics = population_statistics(network, parameters, train[0])
    scores = {
        "train": evaluate(network, parameters, statistics, *train),
        "test": evaluate(network, parameters, statistics, *test),
    }
    return {
        f"{split}_{quantity}": value
        for split, score in scores.items()
        for quantity, value in score._asdict().items()
    }
