"""Scores of a stack of members on held data: classes told right, or images reconstructed."""

from collections.abc import Mapping
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


class Reconstruction(NamedTuple):
    """Cross-entropy (nats) and squared error of images, summed over pixels, `(members,)`."""

    loss: Tensor
    squared_error: Tensor


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
    logits = _logits(network, parameters | statistics, inputs)
    shared = labels.expand(logits.shape[:-1])
    losses = member_losses(logits, shared)
    accuracies = (logits.argmax(-1) == shared).double().mean(-1)
    return Score(losses, torch.where(losses.isfinite(), accuracies, torch.nan))


@torch.no_grad()
def evaluate_reconstruction(
    network: nn.Module, parameters: Parameters, statistics: Parameters, inputs: Tensor, images: Tensor
) -> Reconstruction:
    """The same for networks whose outputs, through a sigmoid, should be images: `(examples, pixels)`."""
    logits = _logits(network, parameters | statistics, inputs)
    losses = member_losses(logits, images.expand(logits.shape))
    errors = logits.sigmoid_().sub_(images).square_().sum(-1).mean(-1)
    return Reconstruction(losses, torch.where(losses.isfinite(), errors, torch.nan))


def evaluate_splits(
    network: nn.Module, parameters: Parameters, splits: Mapping[str, tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """Scores on each split's examples, population statistics taken from those of "train".

    Labels are classes, `(examples,)`, or images to be reconstructed, `(examples, pixels)`.
    """
    inputs, labels = splits["train"]
    statistics = population_statistics(network, parameters, inputs, stacked=True)
    score = evaluate if labels.dim() == 1 else evaluate_reconstruction
    return {
        f"{split}_{quantity}": value
        for split, examples in splits.items()
        for quantity, value in score(network, parameters, statistics, *examples)._asdict().items()
    }


def _logits(network: nn.Module, parameters: Parameters, inputs: Tensor) -> Tensor:
    was_training = network.training
    network.eval()
    logits = call(network, parameters, inputs)
    network.train(was_training)
    return logits
