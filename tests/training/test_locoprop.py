import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.training import Batch, UpdateRule, locoprop, simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
Function = Callable[[Tensor], Tensor]
MEMBERS, BATCH = 3, 8
RATES = torch.tensor([0.3, 0.1, 0.02], dtype=torch.double)

TRANSFERS: dict[str, Function] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda a: a,
}
INTEGRALS: dict[str, Function] = {
    "relu": lambda a: a.relu().square() / 2,
    "tanh": lambda a: a + F.softplus(-2 * a) - math.log(2),  # ln cosh a
    "sigmoid": F.softplus,
    "linear": lambda a: a.square() / 2,
}


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


def local_problems(
    layers: list[nn.Linear], activation: str, inputs: Tensor, labels: Tensor, gamma: float
) -> list[tuple[Tensor, Tensor, str]]:
    """Fixed inputs, fixed targets and transfer function of each layer of one network, by autograd."""
    layer_inputs, pre_activations, posts = [inputs], [], []
    for layer in layers[:-1]:
        pre_activations.append(layer(layer_inputs[-1]))
        posts.append(TRANSFERS[activation](pre_activations[-1]))
        layer_inputs.append(posts[-1])
    pre_activations.append(layers[-1](layer_inputs[-1]))
    posts.append(pre_activations[-1].softmax(-1))
    loss = F.cross_entropy(pre_activations[-1], labels, reduction="sum")
    errors = torch.autograd.grad(loss, pre_activations)
    targets = [(post - gamma * error).detach() for post, error in zip(posts, errors, strict=True)]
    names = [activation] * (len(layers) - 1) + ["softmax"]
    return list(zip([value.detach() for value in layer_inputs], targets, names, strict=True))


def affine(network: nn.Module) -> list[nn.Linear]:
    """The affine layers, bottom first."""
    return [part for part in network.modules() if isinstance(part, nn.Linear)]


def reference_step(
    network: nn.Module, activation: str, batch: Batch, rate: float, iterations: int, gamma: float
) -> Parameters:
    """One step of LocoProp-M on one network, by autograd of the matching losses."""
    layers = affine(network)
    problems = local_problems(layers, activation, batch.inputs, batch.labels, gamma)
    for layer, (inputs, target, name) in zip(layers, problems, strict=True):
        for k in range(iterations):
            loss = matching_loss(layer(inputs), target, name)
            gradients = torch.autograd.grad(loss, [layer.weight, layer.bias])
            for value, gradient in zip([layer.weight, layer.bias], gradients, strict=True):
                value.data -= rate / gamma * max(1 - k / iterations, 0.25) * gradient
    return {name: value.detach() for name, value in network.named_parameters()}


@pytest.mark.parametrize("activation", TRANSFERS)
@pytest.mark.parametrize("iterations", [1, 3, 8])
@pytest.mark.parametrize("gamma", [0.5, 4.0])
def test_agrees_with_descent_of_matching_losses(
    random_networks: RandomNetworks, activation: str, iterations: int, gamma: float
) -> None:
    networks = random_networks("plain", MEMBERS, activation=activation)
    after = stepped(networks, locoprop(iterations, gamma))
    for member, network in enumerate(networks):
        batch = Batch(*(values[member] for values in random_batch()))
        expected = reference_step(network, activation, batch, RATES[member].item(), iterations, gamma)
        assert_close(unstack(after, member), expected, rtol=0, atol=1e-12)


@given(gamma=st.floats(1e-3, 1e3), activation=st.sampled_from(sorted(TRANSFERS)), depth=st.integers(1, 5))
def test_one_local_step_is_the_step_of_gradient_descent(
    random_networks: RandomNetworks, gamma: float, activation: str, depth: int
) -> None:
    networks = random_networks("plain", MEMBERS, depth, activation)
    assert_close(stepped(networks, locoprop(1, gamma)), stepped(networks, simultaneous), rtol=0, atol=1e-14)


def test_one_local_step_is_exact_in_float32_at_any_gamma(random_networks: RandomNetworks) -> None:
    networks, (inputs, labels) = random_networks("plain", MEMBERS), random_batch()
    batch = Batch(inputs.float(), labels)
    steps = [
        rule(networks[0], stack(network.float() for network in networks), batch, {}, RATES.float())[0]
        for rule in (simultaneous, locoprop(1, 1e-4))
    ]
    assert_close(*steps, rtol=0, atol=3e-7)  # two units in the last place of the largest weights


@pytest.mark.parametrize("iterations", [2, 5])
def test_far_targets_make_every_local_step_the_first(
    random_networks: RandomNetworks, iterations: int
) -> None:
    # (f(a) - t) / gamma tends to e wherever a has moved to: the local rates add up
    networks = random_networks("plain", MEMBERS)
    total = sum(max(1 - k / iterations, 0.25) for k in range(iterations))
    expected = stepped(networks, simultaneous, rates=RATES * total)
    assert_close(stepped(networks, locoprop(iterations, gamma=1e9)), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("activation", TRANSFERS)
def test_more_local_steps_come_nearer_to_every_layers_target(
    random_networks: RandomNetworks, activation: str
) -> None:
    networks = random_networks("plain", MEMBERS, activation=activation)
    names = [*(f"hidden.{index}.linear" for index in range(3)), "head"]
    after = [stepped(networks, locoprop(iterations, gamma=1.0)) for iterations in (1, 4, 16)]
    for member, network in enumerate(networks):
        stages: list[Parameters] = [
            dict(network.named_parameters()),
            *(unstack(values, member) for values in after),
        ]
        inputs, labels = (values[member] for values in random_batch())
        problems = local_problems(affine(network), activation, inputs, labels, gamma=1.0)
        for name, (layer_inputs, target, transfer) in zip(names, problems, strict=True):
            pre_activations = [
                F.linear(layer_inputs, values[f"{name}.weight"], values[f"{name}.bias"]) for values in stages
            ]
            losses = [matching_loss(values, target, transfer).item() for values in pre_activations]
            assert losses == sorted(losses, reverse=True)
            assert losses[0] > losses[-1]


def test_loss_is_the_one_before_the_step(random_networks: RandomNetworks) -> None:
    networks = [network.double() for network in random_networks("plain", MEMBERS)]
    outcomes = [
        rule(networks[0], stack(networks), random_batch(), {}, RATES)
        for rule in (simultaneous, locoprop(4, 2.0))
    ]
    assert_close(outcomes[0].loss, outcomes[1].loss, rtol=0, atol=1e-14)


@pytest.mark.parametrize("family", ["batch-norm", "residual", "crelu", "looks-linear"])
def test_other_networks_are_refused(random_networks: RandomNetworks, family: str) -> None:
    with pytest.raises(ValueError, match="LocoProp is defined for plain feedforward networks only"):
        stepped(random_networks(family, MEMBERS), locoprop(2, 1.0))
