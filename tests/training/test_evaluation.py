from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from movingtarget.data.load import Images
from movingtarget.families import FAMILIES
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, call, stack, unstack
from movingtarget.training.evaluation import Score, evaluate, evaluate_split

RandomNetworks = Callable[..., list[nn.Module]]


def prepared(networks: list[nn.Module], images: Images) -> tuple[nn.Module, Parameters, Parameters]:
    """Network, stacked parameters and population statistics."""
    parameters = stack(networks)
    return networks[0], parameters, population_statistics(networks[0], parameters, images.train_inputs)


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_each_members_own(random_networks: RandomNetworks, images: Images, family: str) -> None:
    network, parameters, statistics = prepared(random_networks(family, 3), images)
    score = evaluate(network, parameters, statistics, *images[2:4])
    network.eval()
    for member in range(3):
        logits = call(network, unstack(parameters | statistics, member), images.test_inputs)
        right = (logits.argmax(-1) == images.test_labels).sum().item()
        assert_close(score.loss[member], F.cross_entropy(logits, images.test_labels), rtol=0, atol=1e-6)
        assert score.accuracy[member].item() == right / 30


@pytest.mark.parametrize("family", FAMILIES)
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
    scores = evaluate_split(network, parameters, train=images[:2], test=images[2:4])
    for split, examples in {"train": images[:2], "test": images[2:4]}.items():
        score = evaluate(network, parameters, statistics, *examples)
        assert torch.equal(scores[f"{split}_loss"], score.loss)
        assert torch.equal(scores[f"{split}_accuracy"], score.accuracy)
    assert len(scores) == 4


@pytest.mark.parametrize("training", [True, False])
def test_training_mode_is_restored(random_networks: RandomNetworks, images: Images, training: bool) -> None:
    network, parameters, _ = prepared(random_networks("batch-norm", 2), images)
    evaluate_split(network.train(training), parameters, train=images[:2], test=images[2:4])
    assert all(part.training == training for part in network.modules())
