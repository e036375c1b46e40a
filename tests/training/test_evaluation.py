from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from network_cases import PERCEPTRONS
from torch import nn
from torch.testing import assert_close

from movingtarget.data.load import Images
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, call, stack, unstack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.training.evaluation import Score, evaluate, evaluate_reconstruction, evaluate_splits

RandomNetworks = Callable[..., list[nn.Module]]


def prepared(networks: list[nn.Module], images: Images) -> tuple[nn.Module, Parameters, Parameters]:
    """Network, stacked parameters and population statistics."""
    parameters = stack(networks)
    return (
        networks[0],
        parameters,
        population_statistics(networks[0], parameters, images.train_inputs, stacked=True),
    )


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_scores_are_each_members_own(random_networks: RandomNetworks, images: Images, family: str) -> None:
    network, parameters, statistics = prepared(random_networks(family, 3), images)
    score = evaluate(network, parameters, statistics, *images[2:4])
    network.eval()
    for member in range(3):
        logits = call(network, unstack(parameters | statistics, member), images.test_inputs)
        right = (logits.argmax(-1) == images.test_labels).sum().item()
        assert_close(score.loss[member], F.cross_entropy(logits, images.test_labels), rtol=0, atol=1e-6)
        assert score.accuracy[member].item() == right / 30


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_neither_order_nor_company_of_examples_matters(
    random_networks: RandomNetworks, images: Images, family: str
) -> None:
    network, parameters, statistics = prepared(random_networks(family, 2), images)

    def score(chosen: torch.Tensor) -> Score:
        inputs, labels = images.test_inputs[chosen], images.test_labels[chosen]
        return evaluate(network, parameters, statistics, inputs, labels)

    order = torch.randperm(30)
    whole = score(torch.arange(30))
    one_by_one = [score(order[place : place + 1]) for place in range(30)]
    for pieces in ([score(order)], [score(order[:15]), score(order[15:])], one_by_one):
        for ours, theirs in zip(whole, zip(*pieces, strict=True), strict=True):
            assert_close(torch.stack(theirs).mean(0), ours, rtol=0, atol=1e-6)


def test_a_loss_that_is_not_finite_has_no_accuracy(random_networks: RandomNetworks, images: Images) -> None:
    network, parameters, statistics = prepared(random_networks("plain", 2), images)
    parameters["head.bias"][0] = torch.nan
    score = evaluate(network, parameters, statistics, *images[2:4])
    assert score.accuracy.isnan().tolist() == [True, False]
    assert score.loss.isnan().tolist() == [True, False]


def test_split_takes_statistics_from_training_examples(
    random_networks: RandomNetworks, images: Images
) -> None:
    network, parameters, statistics = prepared(random_networks("batch-norm", 2), images)
    scores = evaluate_splits(network, parameters, {"train": images[:2], "test": images[2:4]})
    for split, examples in {"train": images[:2], "test": images[2:4]}.items():
        score = evaluate(network, parameters, statistics, *examples)
        assert torch.equal(scores[f"{split}_loss"], score.loss)
        assert torch.equal(scores[f"{split}_accuracy"], score.accuracy)
    assert len(scores) == 4


@pytest.mark.parametrize("training", [True, False])
def test_training_mode_is_restored(random_networks: RandomNetworks, images: Images, training: bool) -> None:
    network, parameters, _ = prepared(random_networks("batch-norm", 2), images)
    evaluate_splits(network.train(training), parameters, {"train": images[:2], "test": images[2:4]})
    assert all(part.training == training for part in network.modules())


def reconstructed(normalisation: str = "none") -> tuple[list[nn.Module], Parameters, torch.Tensor]:
    """Two autoencoders, their stacked parameters, and six images."""
    networks = [initialise_glorot(autoencoder(5, [6, 2], "tanh", normalisation), seed) for seed in (0, 1)]
    return networks, stack(networks), torch.rand(6, 5, generator=torch.Generator().manual_seed(2))


def test_reconstructions_are_scored_pixel_by_pixel() -> None:
    networks, parameters, pixels = reconstructed()
    before = pixels.clone()
    score = evaluate_reconstruction(networks[0], parameters, {}, pixels, pixels)
    assert torch.equal(pixels, before)
    for member, network in enumerate(networks):
        reached = network(pixels).sigmoid().detach()
        errors = [((reached[image] - pixels[image]) ** 2).sum().item() for image in range(6)]
        assert score.squared_error[member].item() == pytest.approx(sum(errors) / 6, rel=1e-5)
        entropy = F.binary_cross_entropy(reached, pixels, reduction="sum").item() / 6
        assert score.loss[member].item() == pytest.approx(entropy, rel=1e-5)


def test_a_reconstruction_that_is_not_finite_has_no_squared_error() -> None:
    networks, parameters, pixels = reconstructed()
    parameters["3.bias"][0] = torch.nan
    score = evaluate_reconstruction(networks[0], parameters, {}, pixels, pixels)
    assert score.loss.isnan().tolist() == score.squared_error.isnan().tolist() == [True, False]


def test_split_scores_reconstructions_where_labels_are_images() -> None:
    networks, parameters, pixels = reconstructed("batch-norm")
    splits = {"train": (pixels, pixels), "test": (pixels[:2], pixels[:2])}
    scores = evaluate_splits(networks[0], parameters, splits)
    statistics = population_statistics(networks[0], parameters, pixels, stacked=True)
    for split, examples in {"train": pixels, "test": pixels[:2]}.items():
        score = evaluate_reconstruction(networks[0], parameters, statistics, examples, examples)
        assert torch.equal(scores[f"{split}_loss"], score.loss)
        assert torch.equal(scores[f"{split}_squared_error"], score.squared_error)
    assert len(scores) == 4
