"""Momentum against torch's own, LARS against a loop over layers."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.training.interface import Batch, Cost, UpdateRule
from movingtarget.training.layer_rates import lars
from movingtarget.training.momentum import momentum
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH, DEPTH, STEPS = 3, 8, 3, 5
SHARE, DECAY = 0.9, 0.05
RATES = torch.tensor([0.1, 0.03, 0.01]).double()
assert_close = partial(torch.testing.assert_close, rtol=0.0, atol=1e-11)  # float64: round-off only


def random_batches() -> list[Batch]:
    source = torch.Generator().manual_seed(1)
    return [
        Batch(
            torch.randn(MEMBERS, BATCH, 5, generator=source).double(),
            torch.randint(4, (MEMBERS, BATCH), generator=source),
        )
        for _ in range(STEPS)
    ]


def trained(networks: list[nn.Module], rule: UpdateRule, rates: Tensor = RATES) -> Parameters:
    """The parameters of the stack, in float64, after a step on each of the random batches."""
    parameters = stack(network.double() for network in networks)
    memory: Parameters = {}
    for batch in random_batches():
        parameters, memory, *_ = rule(networks[0], parameters, batch, memory, rates)
    return parameters


def layers_of(network: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of each layer, bottom first, told apart by their names."""
    layers: list[list[nn.Parameter]] = [[] for _ in range(DEPTH + 1)]
    for name, value in network.named_parameters():
        layers[int(name.split(".")[1]) if name.startswith("hidden") else DEPTH].append(value)
    return layers


def descended_by_torch(network: nn.Module, member: int) -> Parameters:
    optimiser = torch.optim.SGD(
        network.parameters(), lr=RATES[member].item(), momentum=SHARE, weight_decay=DECAY
    )
    for inputs, labels in random_batches():
        optimiser.zero_grad()
        F.cross_entropy(network(inputs[member]), labels[member]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return {name: value.detach() for name, value in network.named_parameters()}


def slow_lars(network: nn.Module, member: int) -> Parameters:
    """One member's parameters after steps of LARS with momentum, one layer and one number at a time."""
    kept = [[torch.zeros_like(value) for value in layer] for layer in layers_of(network)]
    for inputs, labels in random_batches():
        network.zero_grad()
        F.cross_entropy(network(inputs[member]), labels[member]).backward()  # type: ignore[no-untyped-call]
        for layer, velocities in zip(layers_of(network), kept, strict=True):
            size = sum(value.square().sum().item() for value in layer) ** 0.5
            gradients = [value.grad for value in layer if value.grad is not None]
            slope = sum(gradient.square().sum().item() for gradient in gradients) ** 0.5
            rate = RATES[member].item() * size / (slope + DECAY * size)
            for value, gradient, velocity in zip(layer, gradients, velocities, strict=True):
                velocity.mul_(SHARE).add_(rate * (gradient + DECAY * value.data))
                value.data -= velocity
    return {name: value.detach() for name, value in network.named_parameters()}


@pytest.mark.parametrize("by_norms", [False, True])
@pytest.mark.parametrize("family", PERCEPTRONS)
def test_agrees_with_a_loop(random_networks: RandomNetworks, family: str, by_norms: bool) -> None:
    networks = random_networks(family, MEMBERS, DEPTH)
    after = trained(networks, momentum(SHARE, DECAY, by_norms))
    slowly = slow_lars if by_norms else descended_by_torch
    for member, network in enumerate(networks):
        assert_close(unstack(after, member), slowly(network, member))


@pytest.mark.parametrize(("by_norms", "rule"), [(False, simultaneous), (True, lars)])
def test_without_momentum_and_decay_it_is_the_simple_rule(
    random_networks: RandomNetworks, by_norms: bool, rule: UpdateRule
) -> None:
    networks = random_networks("batch-norm", MEMBERS)
    assert_close(trained(networks, momentum(0.0, 0.0, by_norms)), trained(networks, rule))


def test_a_layer_without_a_gradient_stands_still_under_lars(random_networks: RandomNetworks) -> None:
    networks = random_networks("plain", MEMBERS, DEPTH, activation="relu")
    networks[0].get_parameter("hidden.2.linear.bias").data.fill_(-100.0)  # no unit of layer 3 is active
    before = stack(network.double() for network in networks)
    after = trained(networks, momentum(SHARE, 0.0, by_norms=True))
    for name, value in after.items():
        still = [torch.equal(value[member], before[name][member]) for member in range(MEMBERS)]
        # no activity below it: the output layer's bias alone has a gradient
        assert still == [name != "head.bias", False, False]


@pytest.mark.parametrize("by_norms", [False, True])
def test_a_member_that_diverges_touches_no_other(random_networks: RandomNetworks, by_norms: bool) -> None:
    networks, rule = random_networks("batch-norm", MEMBERS), momentum(SHARE, DECAY, by_norms)
    expected = trained(networks, rule)
    after = trained(networks, rule, rates=torch.tensor([torch.inf, *RATES[1:]]).double())
    for name, value in after.items():
        assert torch.equal(value[1:], expected[name][1:])


def test_a_step_costs_what_a_simultaneous_one_does(random_networks: RandomNetworks) -> None:
    networks, (inputs, labels) = random_networks("plain", MEMBERS), random_batches()[0]
    with FlopCounterMode(display=False) as counter:
        outcome = momentum(SHARE, DECAY, by_norms=True)(
            networks[0], stack(networks), Batch(inputs.float(), labels), {}, RATES.float()
        )
    assert outcome.cost == Cost(1.0, counter.get_total_flops() / MEMBERS)
    assert set(outcome.memory) == set(outcome.parameters)


@pytest.mark.parametrize(
    ("share", "decay", "message"),
    [
        (1.0, 0.0, "share is 1.0; allowed: from 0 up to, but not, 1"),
        (-0.1, 0.0, "share is -0.1; allowed: from 0"),
        (0.9, -1.0, "weight_decay is -1.0; allowed: at least 0"),
    ],
)
def test_what_is_not_allowed_is_refused(share: float, decay: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        momentum(share, decay, by_norms=False)
