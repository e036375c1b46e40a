from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.training.interface import Batch, Cost, UpdateRule
from movingtarget.training.layer_rates import lars, layer_rates
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH, DEPTH, STEPS = 3, 8, 3, 4
RATES = torch.tensor([0.5, 0.1, 0.02]).double()
RULES: dict[str, UpdateRule] = {
    "smaller-early": layer_rates(2.6, reverse=False),
    "smaller-late": layer_rates(2.6, reverse=True),
    "lars": lars,
}
assert_close = partial(torch.testing.assert_close, rtol=0.0, atol=1e-12)  # float64: round-off only


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


def descended_by_torch(network: nn.Module, member: int, rates: list[float]) -> Parameters:
    """One member's parameters after torch's own descent, each layer at its rate."""
    groups = [{"params": layer, "lr": rate} for layer, rate in zip(layers_of(network), rates, strict=True)]
    optimiser = torch.optim.SGD(groups)
    for inputs, labels in random_batches():
        optimiser.zero_grad()
        F.cross_entropy(network(inputs[member]), labels[member]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return {name: value.detach() for name, value in network.named_parameters()}


@pytest.mark.parametrize("family", PERCEPTRONS)
@pytest.mark.parametrize("factor", [2.6, 0.8])
@pytest.mark.parametrize("reverse", [False, True])
def test_agrees_with_torch_with_a_group_for_each_layer(
    random_networks: RandomNetworks, family: str, factor: float, reverse: bool
) -> None:
    networks = random_networks(family, MEMBERS, DEPTH)
    after = trained(networks, layer_rates(factor, reverse))
    for member, network in enumerate(networks):
        falling = [RATES[member].item() / factor**distance for distance in range(DEPTH + 1)]
        rates = falling if reverse else falling[::-1]
        assert_close(unstack(after, member), descended_by_torch(network, member, rates))


def test_a_factor_of_one_is_gradient_descent(random_networks: RandomNetworks) -> None:
    networks = random_networks("batch-norm", MEMBERS)
    expected = trained(networks, simultaneous)
    for reverse in (False, True):
        assert_close(trained(networks, layer_rates(1.0, reverse)), expected)


@pytest.mark.parametrize("factor", [0.0, -2.6, float("nan")])
def test_a_factor_that_is_not_positive_is_refused(factor: float) -> None:
    with pytest.raises(ValueError, match=f"factor is {factor}; allowed: above 0"):
        layer_rates(factor, reverse=False)


def slow_lars(network: nn.Module, member: int, rate: float) -> Parameters:
    """One member's parameters after steps of LARS, one layer at a time."""
    for inputs, labels in random_batches():
        network.zero_grad()
        F.cross_entropy(network(inputs[member]), labels[member]).backward()  # type: ignore[no-untyped-call]
        for layer in layers_of(network):
            size = sum(value.square().sum().item() for value in layer) ** 0.5
            gradients = [value.grad for value in layer if value.grad is not None]
            slope = sum(gradient.square().sum().item() for gradient in gradients) ** 0.5
            for value, gradient in zip(layer, gradients, strict=True):
                value.data -= rate * size / slope * gradient
    return {name: value.detach() for name, value in network.named_parameters()}


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_lars_agrees_with_a_loop_over_layers(random_networks: RandomNetworks, family: str) -> None:
    networks = random_networks(family, MEMBERS, DEPTH)
    after = trained(networks, lars)
    for member, network in enumerate(networks):
        assert_close(unstack(after, member), slow_lars(network, member, RATES[member].item()), atol=1e-10)


@given(family=st.sampled_from([*PERCEPTRONS]), rate=st.floats(1e-4, 10), label=st.integers(0, 3))
def test_lars_moves_every_layer_by_the_same_share_of_its_norm(
    random_networks: RandomNetworks, family: str, rate: float, label: int
) -> None:
    network = random_networks(family, 1, DEPTH)[0].double()
    before = stack([network])
    batch = Batch(random_batches()[0].inputs[:1], torch.tensor([[label, 0, 1, 2, 3, 0, 1, 2]]))
    after = lars(network, stack([network]), batch, {}, torch.tensor([rate], dtype=torch.double)).parameters
    for layer in range(DEPTH + 1):
        names = [
            name
            for name in before
            if (name.startswith(f"hidden.{layer}.") if layer < DEPTH else not name.startswith("hidden"))
        ]
        moved = torch.cat([(after[name] - before[name]).flatten() for name in names]).norm()
        size = torch.cat([before[name].flatten() for name in names]).norm()
        assert moved.item() == pytest.approx(rate * size.item(), rel=1e-9)


def test_lars_leaves_layers_without_a_gradient_where_they_are(random_networks: RandomNetworks) -> None:
    networks = random_networks("plain", MEMBERS, DEPTH, activation="relu")
    networks[0].get_parameter("hidden.2.linear.bias").data.fill_(-100.0)  # no unit of layer 3 is active
    before = stack(network.double() for network in networks)
    after = trained(networks, lars)
    for name, value in after.items():
        still = [torch.equal(value[member], before[name][member]) for member in range(MEMBERS)]
        # no activity below it: the output layer's bias alone has a gradient
        assert still == [name != "head.bias", False, False]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("family", PERCEPTRONS)
def test_a_stack_moves_as_its_members_alone(random_networks: RandomNetworks, rule: str, family: str) -> None:
    networks = [network.double() for network in random_networks(family, MEMBERS)]
    inputs, labels = random_batches()[0]
    together = RULES[rule](networks[0], stack(networks), Batch(inputs, labels), {}, RATES)
    for member, network in enumerate(networks):
        own = slice(member, member + 1)
        batch = Batch(inputs[own], labels[own])
        alone = RULES[rule](network, stack([network]), batch, {}, RATES[own])
        assert_close(alone.loss[0], together.loss[member])
        assert_close(unstack(alone.parameters, 0), unstack(together.parameters, member))


@pytest.mark.parametrize("rule", RULES)
def test_a_member_that_diverges_touches_no_other(random_networks: RandomNetworks, rule: str) -> None:
    networks = random_networks("batch-norm", MEMBERS)
    expected = trained(networks, RULES[rule])
    after = trained(networks, RULES[rule], rates=torch.tensor([torch.inf, *RATES[1:]]).double())
    assert not all(value[0].isfinite().all() for value in after.values())
    for name, value in after.items():
        assert torch.equal(value[1:], expected[name][1:])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("family", PERCEPTRONS)
def test_a_step_costs_what_a_simultaneous_one_does(
    random_networks: RandomNetworks, rule: str, family: str
) -> None:
    networks, (inputs, labels) = random_networks(family, MEMBERS), random_batches()[0]
    memory = {"kept": torch.tensor(1.0)}
    with FlopCounterMode(display=False) as counter:
        outcome = RULES[rule](
            networks[0], stack(networks), Batch(inputs.float(), labels), memory, RATES.float()
        )
    assert outcome.cost == Cost(1.0, counter.get_total_flops() / MEMBERS)
    assert outcome.memory == memory
    assert not any(value.requires_grad for value in [*outcome.parameters.values(), outcome.loss])
