"""Deep autoencoders against the composition of their layers, and the law their weights are drawn from."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from movingtarget.networks import call, stack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.layers import Linear

PAPER = [784, 1000, 500, 250, 30, 250, 500, 1000, 784]


def layers(network: nn.Module) -> list[Linear]:
    return [part for part in network.modules() if isinstance(part, Linear)]


def test_the_papers_network() -> None:
    network = autoencoder(784, [1000, 500, 250, 30])
    assert [(layer.in_features, layer.out_features) for layer in layers(network)] == [*pairwise(PAPER)]
    assert all(layer.bias is not None for layer in layers(network))
    assert sum(value.numel() for value in network.parameters()) == 2_837_314


def test_the_code_and_the_outputs_are_linear() -> None:
    kinds = [type(part).__name__ for part in autoencoder(784, [100, 50, 30], "relu")]
    affine = ["Linear", "ReLU"]
    assert kinds == [*affine * 2, "Linear", *affine * 2, "Linear"]


def test_a_stack_computes_the_composition_of_its_members_layers() -> None:
    networks = [initialise_glorot(autoencoder(5, [6, 4, 2]), seed).double() for seed in (0, 1)]
    inputs = torch.rand(2, 7, 5).double()
    outputs = call(networks[0], stack(networks), inputs)
    for member, network in enumerate(networks):
        values = inputs[member]
        for place, layer in enumerate(layers(network)):
            values = values @ layer.weight.T + layer.bias
            values = values if place in (2, 5) else values.tanh()
        assert_close(outputs[member], values.detach(), rtol=0, atol=1e-14)


def test_a_code_alone_is_a_linear_network() -> None:
    assert [type(part) for part in autoencoder(5, [2])] == [Linear, Linear]


@pytest.mark.parametrize("normalisation", ["centred", "batch-norm"])
def test_normalisation_comes_before_every_activation_and_nowhere_else(normalisation: str) -> None:
    network = autoencoder(5, [6, 4, 2], normalisation=normalisation)
    before = [part for part, follows in pairwise(network) if isinstance(follows, nn.Tanh)]
    widths = [layer[0].out_features for layer in before if isinstance(layer, nn.Sequential)]
    assert widths == [6, 4, 4, 6]
    assert sum(isinstance(part, nn.Sequential) for part in network) == 4


def test_an_unknown_activation_is_an_error() -> None:
    with pytest.raises(KeyError, match="swish"):
        autoencoder(5, [6, 2], "swish")


def test_weights_and_biases_are_uniform_within_glorots_limits() -> None:
    # of n uniform numbers the largest lies within 20 / n of the limit but for odds of e^-20
    for layer in layers(initialise_glorot(autoencoder(784, [1000, 500, 30]), 3)):
        below, above = layer.in_features, layer.out_features
        limits = {layer.weight: (6 / (below + above)) ** 0.5, layer.bias: (3 / above) ** 0.5}
        for values, limit in limits.items():
            assert 1 - 20 / values.numel() < values.abs().max() / limit <= 1
            # and the mean square, a third, within 6 of its standard errors
            squares = (values / limit).square()
            assert abs(squares.mean().item() - 1 / 3) < 6 * (4 / 45 / values.numel()) ** 0.5
            assert abs((values / limit).mean().item()) < 6 * (1 / 3 / values.numel()) ** 0.5


def test_a_seed_draws_the_same_network_again_and_another_another() -> None:
    drawn = [initialise_glorot(autoencoder(5, [6, 2]), seed).state_dict() for seed in (1, 1, 2)]
    assert_close(drawn[0], drawn[1], rtol=0, atol=0)
    assert not any(torch.equal(drawn[0][name], drawn[2][name]) for name in drawn[0])
