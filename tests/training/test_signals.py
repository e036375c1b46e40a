"""Signals of backpropagation against autograd through one network at a time, written out."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import stack, unstack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.chain import chain, pre_activation
from movingtarget.networks.layers import Linear
from movingtarget.training.signals import signals_flops, signals_of

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH = 3, 8


def autoencoders() -> list[nn.Module]:
    return [initialise_glorot(autoencoder(5, [6, 4, 2]), seed).double() for seed in range(MEMBERS)]


def random_inputs() -> Tensor:
    return torch.rand(MEMBERS, BATCH, 5, dtype=torch.double, generator=torch.Generator().manual_seed(1))


def test_signals_of_an_autoencoder_are_those_of_a_loop_over_its_layers() -> None:
    networks, inputs = autoencoders(), random_inputs()
    losses, signals = signals_of(chain(networks[0]), stack(networks), inputs, inputs)
    assert len(signals) == 6
    for member, network in enumerate(networks):
        layers, below, affine = list(network.children()), [inputs[member]], []
        for place, layer in enumerate(layers):
            if isinstance(layer, nn.Linear):
                affine.append(below[-1] @ layer.weight.T + layer.bias)
                active = isinstance((*layers, None)[place + 1], nn.Tanh)
                below.append(affine[-1].tanh() if active else affine[-1])
        pixels = below[-1].sigmoid()
        entropy = -inputs[member] * pixels.log() - (1 - inputs[member]) * (1 - pixels).log()
        loss = entropy.sum() / BATCH
        errors = torch.autograd.grad(loss, affine)
        assert_close(losses[member], loss.detach(), rtol=1e-13, atol=0)
        for signal, x, a, e in zip(signals, below, affine, errors, strict=False):
            assert_close(signal.inputs[member], x.detach(), rtol=0, atol=1e-14)
            assert_close(signal.pre_activations[member], a.detach(), rtol=0, atol=1e-14)
            assert_close(signal.errors[member], e, rtol=0, atol=1e-14)


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_errors_give_the_weights_gradient_in_every_family(
    random_networks: RandomNetworks, family: str
) -> None:
    networks = [network.double() for network in random_networks(family, MEMBERS)]
    labels = torch.randint(4, (MEMBERS, BATCH), generator=torch.Generator().manual_seed(2))
    links, parameters = chain(networks[0]), stack(networks)
    losses, signals = signals_of(links, parameters, random_inputs(), labels)
    for member, network in enumerate(networks):
        loss = F.cross_entropy(network(random_inputs()[member]), labels[member])
        expected = dict(zip(parameters, torch.autograd.grad(loss, list(network.parameters())), strict=True))
        assert_close(losses[member], loss.detach(), rtol=1e-13, atol=0)
        for link, signal in zip(chain(network), signals, strict=True):
            leaves = {
                name: unstack(parameters, member)[name].requires_grad_() for name in link.names.values()
            }
            reached = pre_activation(link, leaves, signal.inputs[member])
            assert_close(signal.pre_activations[member], reached.detach(), rtol=0, atol=1e-13)
            gradients = torch.autograd.grad(reached, list(leaves.values()), signal.errors[member])
            for name, gradient in zip(leaves, gradients, strict=True):
                assert_close(gradient, expected[name], rtol=0, atol=1e-13)


def test_parameters_are_neither_changed_nor_made_part_of_a_history() -> None:
    networks, inputs = autoencoders(), random_inputs()
    parameters = stack(networks)
    losses, signals = signals_of(chain(networks[0]), parameters, inputs, inputs)
    assert_close(parameters, stack(networks), rtol=0, atol=0)
    assert torch.equal(inputs, random_inputs())
    tensors = [losses, inputs, *parameters.values(), *(value for signal in signals for value in signal)]
    assert not any(value.requires_grad for value in tensors)


def test_they_cost_a_pass_forward_and_one_backward_to_the_second_layer() -> None:
    networks, inputs = autoencoders(), random_inputs()
    links = chain(networks[0])
    with FlopCounterMode(display=False) as counter:
        signals_of(links, stack(networks), inputs, inputs)
    expected = [
        2.0 * BATCH * below * above for below, above in [(5, 6), (6, 4), (4, 2), (2, 4), (4, 6), (6, 5)]
    ]
    assert signals_flops(links, BATCH) == 2 * sum(expected) - expected[0]
    assert counter.get_total_flops() == MEMBERS * signals_flops(links, BATCH)


def test_a_layer_without_bias_is_refused_by_name() -> None:
    network = nn.Sequential(Linear(5, 4), nn.Tanh(), Linear(4, 5, bias=False)).double()
    with pytest.raises(
        ValueError, match=r"^layer 2.weight has no bias; allowed: layers with weights and a bias$"
    ):
        signals_of(chain(network), stack([network] * MEMBERS), random_inputs(), random_inputs())
