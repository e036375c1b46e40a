from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.autocorrelation import gradient_autocorrelation
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, call, stack, unstack
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


@pytest.mark.parametrize("family", PERCEPTRONS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_agrees_with_one_example_after_the_other(
    random_networks: RandomNetworks, family: str, activation: str
) -> None:
    networks = [network.double() for network in random_networks(family, 3, activation=activation)]
    parameters, inputs = stack(networks), examples()
    gradients = input_gradients(networks[0], parameters, inputs, stacked=True)
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
    input_gradients(network, stack([network]), inputs, stacked=True)
    assert all(part.training == training for part in network.modules())
    assert not inputs.requires_grad


def perceptron(tracked: bool, in_place: bool) -> nn.Sequential:
    """A user's perceptron with batch norm."""
    norm = nn.BatchNorm1d(6, track_running_stats=tracked)
    return nn.Sequential(nn.Linear(5, 6), norm, nn.ReLU(in_place), nn.Linear(6, 4)).double()


def convolutional(tracked: bool, in_place: bool) -> nn.Sequential:
    """A user's convolutional network of images 5 x 1 with batch norm in one and two dimensions."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 5, 1)),
        nn.Conv2d(1, 3, 3, padding=1),
        nn.BatchNorm2d(3, track_running_stats=tracked),
        nn.ReLU(in_place),
        nn.Flatten(),
        nn.BatchNorm1d(15, track_running_stats=tracked),
        nn.Tanh(),
        nn.Linear(15, 4),
    ).double()


def with_statistics_put_in(network: nn.Sequential, inputs: Tensor) -> nn.Sequential:
    """A copy in eval mode whose running statistics are those of `inputs`."""
    copy = deepcopy(network).eval()
    for part in copy:
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            axes = [axis for axis in range(inputs.dim()) if axis != 1]
            part.running_mean = inputs.mean(axes)
            part.running_var = inputs.var(axes, correction=0)
        inputs = part(inputs.clone()).detach()
    return copy


def one_by_one(network: nn.Module, inputs: Tensor) -> Tensor:
    """Gradients of the summed outputs by one pass for each example."""
    leaves = [example.clone().requires_grad_() for example in inputs]
    return torch.stack([torch.autograd.grad(network(leaf[None]).sum(), leaf)[0] for leaf in leaves])


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize("make", [perceptron, convolutional])
def test_torchs_batch_norms_in_training_mode(
    make: Callable[[bool, bool], nn.Sequential], tracked: bool, in_place: bool
) -> None:
    network, inputs = make(tracked, in_place), examples()
    before = deepcopy(network.state_dict())
    gradients = input_gradients(network, dict(network.named_parameters()), inputs)
    assert network.training
    assert_close(network.state_dict(), before, rtol=0, atol=0)
    reference = one_by_one(with_statistics_put_in(network, inputs), inputs)
    assert_close(gradients, reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [perceptron, convolutional])
def test_statistics_of_other_data(make: Callable[[bool, bool], nn.Sequential]) -> None:
    network, population, inputs = make(True, False), 2 * torch.randn(50, 5).double() + 1, examples()
    parameters: Parameters = dict(network.named_parameters())
    statistics = population_statistics(network, parameters, population)
    gradients = input_gradients(network, parameters, inputs, statistics)
    assert network.training
    reference = one_by_one(with_statistics_put_in(network, population), inputs)
    assert_close(gradients, reference, rtol=0, atol=1e-12)
    assert not torch.allclose(gradients, input_gradients(network, parameters, inputs))


def test_statistics_of_other_data_for_a_stack(random_networks: RandomNetworks) -> None:
    networks = [network.double() for network in random_networks("batch-norm", 3)]
    parameters, inputs = stack(networks), examples()
    statistics = population_statistics(networks[0], parameters, torch.randn(50, 5).double(), stacked=True)
    together = input_gradients(networks[0], parameters, inputs, statistics, stacked=True)
    for place, example in enumerate(inputs):
        alone = input_gradients(networks[0], parameters, example[None], statistics, stacked=True)
        assert_close(together[:, place], alone[:, 0], rtol=0, atol=1e-12)


def test_a_first_operation_in_place() -> None:
    network, inputs = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(5, 4)).double(), examples()
    before = inputs.clone()
    gradients = input_gradients(network, dict(network.named_parameters()), inputs)
    expected = network.get_parameter("1.weight").sum(0) * (before > 0)
    assert_close(gradients, expected.detach(), rtol=0, atol=1e-12)
    assert torch.equal(inputs, before)


def test_several_outputs_are_summed() -> None:
    network, inputs = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4)).double(), examples()
    gradients = input_gradients(network, dict(network.named_parameters()), inputs)
    for example, gradient in zip(inputs, gradients, strict=True):
        jacobian = torch.func.jacrev(network)(example)
        assert jacobian.shape == (4, 5)
        assert_close(gradient, jacobian.sum(0), rtol=0, atol=1e-12)


def test_a_network_of_several_tensors_is_refused() -> None:
    network = nn.GRU(5, 6)
    with pytest.raises(TypeError, match=r"^the network returns tuple; allowed: one tensor, examples first$"):
        input_gradients(network, dict(network.named_parameters()), torch.randn(EXAMPLES, 5))


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_a_batch_of_one_example(random_networks: RandomNetworks, family: str) -> None:
    network, inputs = random_networks(family, 1)[0].double(), examples()[:1]
    parameters: Parameters = dict(network.named_parameters())
    leaf = inputs[0].clone().requires_grad_()
    (expected,) = torch.autograd.grad(frozen(network, parameters, inputs)(leaf), leaf)
    network.train()
    assert_close(input_gradients(network, parameters, inputs)[0], expected, rtol=1e-12, atol=1e-12)


def test_on_one_point_of_a_line_the_autocorrelation_is_undefined() -> None:
    network = initialise(Feedforward(1, 6, 3, 1, "relu", "centred"), 0, "relu", random_biases=True)
    gradients = input_gradients(network, dict(network.named_parameters()), torch.zeros(1, 1))[:, 0]
    assert gradients.isfinite().all()
    assert gradient_autocorrelation(gradients, lags=0).isnan().tolist() == [True]
