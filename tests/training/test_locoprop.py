import math
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.families import FAMILIES
from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.layers import BatchNorm, Linear
from movingtarget.networks.residual import Residual
from movingtarget.training.interface import Batch, Cost, UpdateRule
from movingtarget.training.locoprop import locoprop_by_descent as by_descent
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
Function = Callable[[Tensor], Tensor]
Loss = Literal["matching", "squared"]
LOSSES: tuple[Loss, Loss] = ("matching", "squared")
MEMBERS, BATCH = 3, 8
RATES = torch.tensor([0.3, 0.1, 0.02], dtype=torch.double)

TRANSFERS: dict[str, Function] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda a: a,
    "crelu": lambda a: torch.cat([a.relu(), (-a).relu()], -1),
}
INTEGRALS: dict[str, Function] = {
    "relu": lambda a: a.relu().square() / 2,
    "tanh": lambda a: a + F.softplus(-2 * a) - math.log(2),  # ln cosh a
    "sigmoid": F.softplus,
    "linear": lambda a: a.square() / 2,
}
MATCHED: dict[str, Function] = {**TRANSFERS, "softmax": lambda a: a.softmax(-1)}


def random_batch() -> Batch:
    """One minibatch for each member, in float64."""
    source = torch.Generator().manual_seed(1)
    inputs = torch.randn(MEMBERS, BATCH, 5, dtype=torch.double, generator=source)
    return Batch(inputs, torch.randint(4, (MEMBERS, BATCH), generator=source))


def stepped(networks: list[nn.Module], rule: UpdateRule, rates: Tensor = RATES) -> Parameters:
    """The parameters of the stack after one step on the random batch, in float64."""
    return rule(networks[0], stack(network.double() for network in networks), random_batch(), {}, rates)[0]


def matching_loss(pre_activation: Tensor, target: Tensor, activation: str) -> Tensor:
    """Bregman divergence of the integral F of f, but for a constant: F(a) - t a, summed over units."""
    if activation == "softmax":
        integral = pre_activation.logsumexp(-1)
    else:
        integral = INTEGRALS[activation](pre_activation).sum(-1)
    return (integral - (target * pre_activation).sum(-1)).mean()


class Paired(nn.Sequential):
    """A layer's pre-activations and their negatives: what the rectifiers of CReLU are applied to."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Twice as many pre-activations."""
        (layer,) = self
        outputs = layer(inputs)
        return torch.cat([outputs, -outputs], -1)


def layers_of(network: Any, activation: str, loss: Loss) -> list[tuple[nn.Module, Function, str]]:
    """Of each layer the map to pre-activations, the transfer, and whose matching loss it descends."""
    if isinstance(network, Residual):
        hidden = [(layer, TRANSFERS["linear"], "linear") for layer in network.hidden]
        top: nn.Module = nn.Sequential(network.last, network.head)
    elif activation == "crelu" and loss == "matching":
        hidden = [(Paired(layer.linear), torch.relu, "relu") for layer in network.hidden]
        top = network.head
    else:
        normalised = [nn.Sequential(layer.linear, layer.normalisation) for layer in network.hidden]
        hidden = [(layer, TRANSFERS[activation], activation) for layer in normalised]
        top = network.head
    layers = [*hidden, (top, TRANSFERS["linear"], "softmax")]
    # the matching loss of the identity is the squared distance
    return [(affine, transfer, name if loss == "matching" else "linear") for affine, transfer, name in layers]


def local_problems(
    layers: list[tuple[nn.Module, Function, str]], inputs: Tensor, labels: Tensor, gamma: float
) -> list[tuple[Tensor, Tensor]]:
    """Fixed inputs and fixed targets of each layer of one network, by autograd."""
    layer_inputs, pre_activations = [inputs], []
    for layer, transfer, _ in layers:
        pre_activations.append(layer(layer_inputs[-1]))
        layer_inputs.append(transfer(pre_activations[-1]))
    loss = F.cross_entropy(layer_inputs[-1], labels, reduction="sum")
    errors = torch.autograd.grad(loss, pre_activations)
    targets = [
        (MATCHED[name](values) - gamma * error).detach()
        for (_, _, name), values, error in zip(layers, pre_activations, errors, strict=True)
    ]
    return list(zip([values.detach() for values in layer_inputs[:-1]], targets, strict=True))


def reference_step(
    network: nn.Module,
    layers: list[tuple[nn.Module, Function, str]],
    batch: Batch,
    rate: float,
    iterations: int,
    gamma: float,
) -> Parameters:
    """One step of LocoProp on one network, by autograd of the local losses."""
    problems = local_problems(layers, batch.inputs, batch.labels, gamma)
    for (layer, _, name), (inputs, target) in zip(layers, problems, strict=True):
        for k in range(iterations):
            loss = matching_loss(layer(inputs), target, name)
            gradients = torch.autograd.grad(loss, list(layer.parameters()))
            for value, gradient in zip(layer.parameters(), gradients, strict=True):
                value.data -= rate / gamma * max(1 - k / iterations, 0.25) * gradient
    return {name: value.detach() for name, value in network.named_parameters()}


def check_against_reference(
    networks: list[nn.Module], activation: str, iterations: int, gamma: float, loss: Loss
) -> None:
    after = stepped(networks, by_descent(iterations, gamma, loss))
    for member, network in enumerate(networks):
        batch = Batch(*(values[member] for values in random_batch()))
        layers = layers_of(network, activation, loss)
        expected = reference_step(network, layers, batch, RATES[member].item(), iterations, gamma)
        assert_close(unstack(after, member), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", sorted(INTEGRALS))
@pytest.mark.parametrize("iterations", [1, 3, 8])
@pytest.mark.parametrize("gamma", [0.5, 4.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_agrees_with_descent_of_local_losses(
    random_networks: RandomNetworks, activation: str, iterations: int, gamma: float, loss: Loss
) -> None:
    networks = random_networks("plain", MEMBERS, activation=activation)
    check_against_reference(networks, activation, iterations, gamma, loss)


@pytest.mark.parametrize("family", PERCEPTRONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_agrees_with_descent_of_local_losses_in_every_family(
    random_networks: RandomNetworks, family: str, loss: Loss
) -> None:
    networks = random_networks(family, MEMBERS)
    check_against_reference(networks, FAMILIES[family].activation or "tanh", 4, 0.5, loss)


@given(
    gamma=st.floats(1e-3, 1e3),
    family=st.sampled_from([*PERCEPTRONS]),
    activation=st.sampled_from(sorted(INTEGRALS)),
    depth=st.integers(1, 5),
    loss=st.sampled_from(LOSSES),
)
def test_one_local_step_is_the_step_of_gradient_descent(
    random_networks: RandomNetworks, gamma: float, family: str, activation: str, depth: int, loss: Loss
) -> None:
    networks = random_networks(family, MEMBERS, depth, activation)
    expected = stepped(networks, simultaneous)
    assert_close(stepped(networks, by_descent(1, gamma, loss)), expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("family", PERCEPTRONS)
def test_one_local_step_is_exact_in_float32_at_any_gamma(
    random_networks: RandomNetworks, family: str, loss: Loss
) -> None:
    networks, (inputs, labels) = random_networks(family, MEMBERS), random_batch()
    batch = Batch(inputs.float(), labels)
    steps = [
        rule(networks[0], stack(network.float() for network in networks), batch, {}, RATES.float())[0]
        for rule in (simultaneous, by_descent(1, 1e-4, loss))
    ]
    assert_close(*steps, rtol=0, atol=3e-7)  # two units in the last place of the largest weights


@pytest.mark.parametrize("iterations", [2, 5])
@pytest.mark.parametrize("loss", LOSSES)
def test_far_targets_make_every_local_step_the_first(
    random_networks: RandomNetworks, iterations: int, loss: Loss
) -> None:
    # (f(a) - t) / gamma tends to e wherever a has moved to: the local rates add up
    networks = random_networks("plain", MEMBERS)
    total = sum(max(1 - k / iterations, 0.25) for k in range(iterations))
    expected = stepped(networks, simultaneous, rates=RATES * total)
    assert_close(stepped(networks, by_descent(iterations, 1e9, loss)), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("activation", sorted(INTEGRALS))
@pytest.mark.parametrize("loss", LOSSES)
def test_more_local_steps_come_nearer_to_every_layers_target(
    random_networks: RandomNetworks, activation: str, loss: Loss
) -> None:
    networks = random_networks("plain", MEMBERS, activation=activation)
    names = [*(f"hidden.{index}.linear" for index in range(3)), "head"]
    after = [stepped(networks, by_descent(iterations, 1.0, loss)) for iterations in (1, 4, 16)]
    for member, network in enumerate(networks):
        stages: list[Parameters] = [
            dict(network.named_parameters()),
            *(unstack(values, member) for values in after),
        ]
        inputs, labels = (values[member] for values in random_batch())
        layers = layers_of(network, activation, loss)
        problems = local_problems(layers, inputs, labels, gamma=1.0)
        for name, (_, _, local), (layer_inputs, target) in zip(names, layers, problems, strict=True):
            pre_activations = [
                F.linear(layer_inputs, values[f"{name}.weight"], values[f"{name}.bias"]) for values in stages
            ]
            losses = [matching_loss(values, target, local).item() for values in pre_activations]
            assert losses == sorted(losses, reverse=True)
            assert losses[0] > losses[-1]


def test_loss_is_the_one_before_the_step(random_networks: RandomNetworks) -> None:
    networks = [network.double() for network in random_networks("plain", MEMBERS)]
    outcomes = [
        rule(networks[0], stack(networks), random_batch(), {}, RATES)
        for rule in (simultaneous, by_descent(4, 2.0))
    ]
    assert_close(outcomes[0].loss, outcomes[1].loss, rtol=0, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("family", PERCEPTRONS)
def test_a_stack_moves_as_its_members_alone(random_networks: RandomNetworks, family: str, loss: Loss) -> None:
    networks = [network.double() for network in random_networks(family, MEMBERS)]
    rule, (inputs, labels) = by_descent(4, 0.5, loss), random_batch()
    together = rule(networks[0], stack(networks), random_batch(), {}, RATES)
    for member, network in enumerate(networks):
        own = slice(member, member + 1)
        alone = rule(network, stack([network]), Batch(inputs[own], labels[own]), {}, RATES[own])
        assert_close(alone.loss[0], together.loss[member], rtol=0, atol=1e-14)
        assert_close(unstack(alone.parameters, 0), unstack(together.parameters, member), rtol=0, atol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("family", ["plain", "residual-batch-norm"])
def test_a_member_that_diverges_touches_no_other(
    random_networks: RandomNetworks, family: str, loss: Loss
) -> None:
    networks, rule = random_networks(family, MEMBERS), by_descent(4, 0.5, loss)
    expected = stepped(networks, rule)
    after = stepped(networks, rule, torch.tensor([torch.inf, *RATES[1:]]).double())
    assert not all(value[0].isfinite().all() for value in after.values())
    for name, value in after.items():
        assert torch.equal(value[1:], expected[name][1:])


def counted(network: nn.Module, rule: UpdateRule) -> tuple[Cost, Cost]:
    """The cost a rule reports of one step, and one with the FLOPs that torch counts, for one member."""
    inputs, labels = random_batch()
    with FlopCounterMode(display=False) as counter:
        outcome = rule(network, stack([network] * MEMBERS), Batch(inputs, labels), {}, RATES)
    assert not any(value.requires_grad for value in [*outcome.parameters.values(), outcome.loss])
    return outcome.cost, outcome.cost._replace(flops=counter.get_total_flops() / MEMBERS)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("iterations", [1, 2, 7])
@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("family", PERCEPTRONS)
def test_cost_is_what_torch_counts(
    random_networks: RandomNetworks, family: str, depth: int, iterations: int, loss: Loss
) -> None:
    network = random_networks(family, 1, depth)[0].double()
    cost, expected = counted(network, by_descent(iterations, 1.0, loss))
    assert cost == expected
    assert cost.gradient_evaluations == iterations


def test_cost_of_layers_that_hold_several() -> None:
    networks = [
        Residual(5, 6, 5, 4, "relu", "batch-norm", on_a_line=True, block_layers=2),
        nn.Sequential(BatchNorm(5), Linear(5, 6), nn.Tanh(), Linear(6, 4)),
    ]
    for network in networks:
        cost, expected = counted(network.double(), by_descent(3, 1.0))
        assert cost == expected


def test_a_transfer_that_changes_the_number_of_units_is_refused_where_it_is_matched() -> None:
    network = nn.Sequential(Linear(5, 6), nn.MaxPool1d(2), Linear(3, 4)).double()
    with pytest.raises(
        ValueError, match="layer 0: MaxPool1d has no matching loss; allowed in LocoProp-M: Id"
    ):
        stepped([network] * MEMBERS, by_descent(2, 1.0))
    expected = stepped([network] * MEMBERS, simultaneous)
    assert_close(stepped([network] * MEMBERS, by_descent(1, 1.0, "squared")), expected, rtol=0, atol=1e-14)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="loss 'cubed' is unknown; allowed: matching, squared"):
        by_descent(2, 1.0, "cubed")  # type: ignore[arg-type]
