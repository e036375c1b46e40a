from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.population import population_statistics
from movingtarget.networks import FAMILIES, Parameters, call, stack, unstack
from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import initialise

RandomNetworks = Callable[..., list[nn.Module]]
EXAMPLES = 7


def examples() -> Tensor:
    """A few inputs in float64."""
    return torch.randn(EXAMPLES, 5, dtype=torch.double)


def frozen(network: nn.Module, parameters: Parameters, inputs: Tensor) -> Callable[[Tensor], Tensor]:
    """The network's summed outputs for one example, with the batch statistics of all of `inputs`."""
    values = parameters | population_statistics(network, parameters, inputs)

    def summed(example: Tensor) -> Tensor:
        network.eval()
        return call(network, values, example[None]).sum()

    return summed


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_agrees_with_one_example_after_the_other(
    random_networks: RandomNetworks, family: str, activation: str
) -> None:
    networks = [network.double() for network in random_networks(family, 3, activation=activation)]
    parameters, inputs = stack(networks), examples()
    gradients = input_gradients(networks[0], parameters, inputs)
    assert gradients.shape == (3, EXAMPLES, 5)
    for member in range(3):
        summed = frozen(networks[0], unstack(parameters, member), inputs)
        for example in range(EXAMPLES):
            leaf = inputs[example].clone().requires_grad_()
            (expected,) = torch.autograd.grad(summed(leaf), leaf)
            assert_close(gradients[member, example], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("normalisation", ["none", "centred", "batch-norm"])
def test_agrees_with_finite_differences(normalisation: str) -> None:
    network = Feedforward(5, 6, 3, 4, "tanh", normalisation)
    initialise(network, 0, "tanh", random_biases=True).double()
    parameters: Parameters = dict(network.named_parameters())
    inputs, step = examples(), 1e-5
    gradients = input_gradients(network, parameters, inputs)
    summed = frozen(network, parameters, inputs)
    for place in range(EXAMPLES):
        for feature, shift in enumerate(step * torch.eye(5, dtype=torch.double)):
            slope = (summed(inputs[place] + shift) - summed(inputs[place] - shift)) / (2 * step)
            assert_close(gradients[place, feature], slope.detach(), rtol=1e-6, atol=1e-8)


def test_any_module_will_do() -> None:
    below, above, inputs = nn.Linear(5, 6).double(), nn.Linear(6, 1).double(), examples()
    network = nn.Sequential(below, nn.Tanh(), above)
    parameters: Parameters = dict(network.named_parameters())
    slopes = 1 - below(inputs).tanh().square()
    expected = (slopes * above.weight) @ below.weight
    assert_close(input_gradients(network, parameters, inputs), expected.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_leaves_network_and_inputs_as_they_were(random_networks: RandomNetworks, training: bool) -> None:
    network, inputs = random_networks("batch-norm", 1)[0].train(training), torch.randn(EXAMPLES, 5)
    input_gradients(network, stack([network]), inputs)
    assert all(part.training == training for part in network.modules())
    assert not inputs.requires_grad
