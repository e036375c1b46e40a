from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.population import (
    constant_statistics,
    evaluating,
    population_statistics,
    wide_statistics,
)
from movingtarget.networks import Parameters, call, stack, unstack
from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import initialise
from movingtarget.networks.layers import BatchNorm
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
    statistics = population_statistics(networks[0], parameters, inputs, stacked=True)
    in_eval = call(networks[0].eval(), parameters | statistics, inputs)
    assert_close(in_eval, in_training, rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", [(50, 5), (3, 50, 5)])
def test_statistics_of_a_stack_are_each_members_own(
    random_networks: RandomNetworks, shape: tuple[int, ...]
) -> None:
    networks = [network.double() for network in random_networks("batch-norm", 3)]
    parameters, inputs = stack(networks), inputs_of(*shape)
    together = population_statistics(networks[0], parameters, inputs, stacked=True)
    for member, own in enumerate(inputs.expand(3, 50, 5)):
        alone = population_statistics(networks[0], unstack(parameters, member), own)
        assert_close(unstack(together, member), alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("family", ["plain", "residual"])
def test_networks_without_normalisation_have_none(random_networks: RandomNetworks, family: str) -> None:
    networks = random_networks(family, 2)
    assert population_statistics(networks[0], stack(networks), torch.randn(50, 5), stacked=True) == {}


@pytest.mark.parametrize("training", [True, False])
def test_training_mode_is_restored(random_networks: RandomNetworks, training: bool) -> None:
    network = random_networks("batch-norm", 1)[0].train(training)
    population_statistics(network, stack([network]), torch.randn(50, 5), stacked=True)
    assert all(part.training == training for part in network.modules())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("normalisation", ["centred", "batch-norm"])
def test_one_pass_of_constant_statistics_is_two_passes(normalisation: str, training: bool) -> None:
    network = Residual(5, 6, 3, 4, "relu", normalisation)
    initialise(network, 0, "relu", random_biases=True).double().train(training)
    parameters: Parameters = dict(network.named_parameters())
    inputs = inputs_of(50, 5)
    with constant_statistics(network) as seen:
        outputs = call(network, parameters, inputs)
    statistics = population_statistics(network, parameters, inputs)
    assert_close(seen, statistics, rtol=0, atol=0)
    assert_close(outputs, call(network.eval(), parameters | statistics, inputs), rtol=0, atol=1e-12)
    assert_close(outputs, call(network.train(), parameters, inputs), rtol=0, atol=1e-11)


def test_statistics_held_constant_have_no_derivative() -> None:
    inputs = inputs_of(50, 3).requires_grad_()
    layer = nn.BatchNorm1d(3, affine=False).double()
    with constant_statistics(layer) as seen:
        (gradients,) = torch.autograd.grad(layer(inputs).sum(), inputs)
    expected = (inputs.detach().var(0, correction=0) + 1e-5).rsqrt()
    assert_close(gradients, expected.expand(50, 3), rtol=0, atol=1e-12)
    assert not any(value.requires_grad for value in seen.values())


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (nn.BatchNorm1d(3), (50, 3), [0]),
        (nn.BatchNorm1d(3), (50, 3, 4), [0, 2]),
        (nn.BatchNorm2d(3, track_running_stats=False), (50, 3, 4, 2), [0, 2, 3]),
        (nn.BatchNorm3d(3), (50, 3, 4, 2, 2), [0, 2, 3, 4]),
    ],
)
def test_statistics_of_torchs_batch_norms(layer: nn.Module, shape: list[int], axes: list[int]) -> None:
    inputs = inputs_of(*shape)
    network = nn.Sequential(layer).double()
    statistics = population_statistics(network, {}, inputs)
    expected = {"0.running_mean": inputs.mean(axes), "0.running_var": inputs.var(axes, correction=0)}
    assert_close(statistics, expected, rtol=0, atol=1e-12)


class Failing(nn.Module):
    """Raises when it is called."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Never returns."""
        raise ArithmeticError("on purpose")


@pytest.mark.parametrize("last", [nn.Identity(), Failing()])
def test_buffers_and_modes_are_restored_even_after_an_error(last: nn.Module) -> None:
    network = nn.Sequential(
        nn.Linear(5, 6), nn.BatchNorm1d(6), nn.BatchNorm1d(6, track_running_stats=False), BatchNorm(6), last
    )
    network[:-1](inputs_of(9, 5).float())
    network[1].eval()
    buffers, modes = dict(network.named_buffers()), [part.training for part in network.modules()]
    before = {name: value.clone() for name, value in buffers.items()}
    assert before["1.num_batches_tracked"] == 1
    try:
        with constant_statistics(network):
            assert not any(part.training for part in network.modules())
            network(inputs_of(9, 5).float())
    except ArithmeticError:
        assert isinstance(last, Failing)
    assert [part.training for part in network.modules()] == modes
    assert all(value is buffers[name] for name, value in network.named_buffers())
    assert_close(dict(network.named_buffers()), before, rtol=0, atol=0)
    assert network[2].running_mean is None
    assert not any(part._forward_pre_hooks for part in network.modules())


def test_each_parts_own_mode_is_restored() -> None:
    network = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()), nn.Dropout())
    network[1].eval()
    with evaluating(network):
        assert not any(part.training for part in network.modules())
    assert [part.training for part in network.modules()] == [True, True, False, False, True]


class Twice(nn.Module):
    """A batch norm at two places."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, inputs: Tensor) -> Tensor:
        """The norm of a bent norm."""
        outputs: Tensor = self.norm(self.norm(inputs).exp())
        return outputs


def test_a_layer_at_two_places_has_no_one_mean() -> None:
    network, inputs = Twice().double(), inputs_of(50, 3)
    line = "^layer 'norm' normalises 2 times, by statistics of its own each time; allowed: a layer for each"
    with pytest.raises(ValueError, match=line):
        population_statistics(network, {}, inputs)
    with constant_statistics(network):
        outputs = network(inputs)
    assert_close(outputs, network.train()(inputs), rtol=0, atol=1e-12)
    assert not network.norm._forward_pre_hooks


def test_a_network_may_be_a_normalisation_layer_itself() -> None:
    statistics = population_statistics(nn.BatchNorm1d(1), {}, torch.tensor([[1.0], [5.0]]))
    assert {name: value.item() for name, value in statistics.items()} == pytest.approx(
        {"running_mean": 3.0, "running_var": 4.0}
    )


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_statistics_of_half_precision_are_those_of_single_precision(dtype: torch.dtype) -> None:
    network, inputs = nn.Sequential(nn.BatchNorm1d(3)).to(dtype), (400 * torch.randn(90, 3)).to(dtype)
    statistics = population_statistics(network, {}, inputs)
    expected = {
        "0.running_mean": inputs.double().mean(0),
        "0.running_var": inputs.double().var(0, correction=0),
    }
    for name, value in statistics.items():
        assert value.dtype == torch.float
        assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-3)
    assert network[0].weight.dtype == dtype
    assert network[0].running_mean.dtype == dtype


@pytest.mark.parametrize("fails", [False, True])
def test_parameters_are_their_own_again_after_wide_statistics(fails: bool) -> None:
    layer = nn.BatchNorm1d(3).half().eval()
    weight, layer.running_var = layer.weight, torch.full((3,), 1e6)
    layer.running_mean = torch.zeros(3)
    with wide_statistics(layer):
        if fails:
            with pytest.raises(RuntimeError):
                layer(torch.ones(2, 4).half())
        else:
            assert layer(torch.full((2, 3), 1e3).half()).tolist() == [[1.0] * 3] * 2
        assert layer.weight is weight
    assert not layer._forward_hooks
