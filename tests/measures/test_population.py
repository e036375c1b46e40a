from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.population import population_statistics
from movingtarget.networks import call, stack, unstack
from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import initialise
from movingtarget.networks.residual import Residual

RandomNetworks = Callable[..., list[nn.Module]]


def inputs_of(*shape: int) -> Tensor:
    """Inputs away from zero mean and unit variance."""
    return 2 * torch.randn(*shape, dtype=torch.double) + 1


@pytest.mark.parametrize("normalisation", ["centred", "batch-norm"])
def test_layer_by_layer(normalisation: str) -> None:
    network = Feedforward(5, 6, 3, 4, "tanh", normalisation)
    initialise(network, 0, "tanh", random_biases=True).double()
    inputs = inputs_of(50, 5)
    statistics = population_statistics(network, dict(network.named_parameters()), inputs)
    assert len(statistics) == 6
    for place, layer in enumerate(network.hidden):
        before = layer.get_submodule("linear")(inputs)
        mean, variance = before.mean(0), before.var(0, correction=0)
        assert_close(statistics[f"hidden.{place}.normalisation.mean"], mean, rtol=0, atol=1e-12)
        assert_close(statistics[f"hidden.{place}.normalisation.variance"], variance, rtol=0, atol=1e-12)
        scale = (variance + 1e-5).sqrt() if normalisation == "batch-norm" else 1
        inputs = ((before - mean) / scale).tanh()


def test_stream_of_a_residual_network() -> None:
    network = Residual(5, 6, 3, 4, "relu", "batch-norm")
    initialise(network, 0, "relu", random_biases=True).double()
    inputs = inputs_of(50, 5)
    statistics = population_statistics(network, dict(network.named_parameters()), inputs)
    names = [name.removesuffix(".mean") for name in statistics if name.endswith(".mean")]
    stream = network.hidden[0](inputs)
    for name, block in zip(names, [*network.hidden[1:], nn.Identity()], strict=True):
        assert_close(statistics[f"{name}.mean"], stream.mean(0), rtol=0, atol=1e-12)
        assert_close(statistics[f"{name}.variance"], stream.var(0, correction=0), rtol=0, atol=1e-11)
        stream = block(stream)


def test_in_eval_mode_the_same_data_pass_as_in_training(random_networks: RandomNetworks) -> None:
    networks = [network.double() for network in random_networks("batch-norm", 3)]
    parameters, inputs = stack(networks), inputs_of(50, 5)
    in_training = call(networks[0].train(), parameters, inputs)
    statistics = population_statistics(networks[0], parameters, inputs)
    in_eval = call(networks[0].eval(), parameters | statistics, inputs)
    assert_close(in_eval, in_training, rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", [(50, 5), (3, 50, 5)])
def test_statistics_of_a_stack_are_each_members_own(
    random_networks: RandomNetworks, shape: tuple[int, ...]
) -> None:
    networks = [network.double() for network in random_networks("batch-norm", 3)]
    parameters, inputs = stack(networks), inputs_of(*shape)
    together = population_statistics(networks[0], parameters, inputs)
    for member, own in enumerate(inputs.expand(3, 50, 5)):
        alone = population_statistics(networks[0], unstack(parameters, member), own)
        assert_close(unstack(together, member), alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("family", ["plain", "residual"])
def test_networks_without_normalisation_have_none(random_networks: RandomNetworks, family: str) -> None:
    networks = random_networks(family, 2)
    assert population_statistics(networks[0], stack(networks), torch.randn(50, 5)) == {}


@pytest.mark.parametrize("training", [True, False])
def test_training_mode_is_restored(random_networks: RandomNetworks, training: bool) -> None:
    network = random_networks("batch-norm", 1)[0].train(training)
    population_statistics(network, stack([network]), torch.randn(50, 5))
    assert all(part.training == training for part in network.modules())
