from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.layers import BatchNorm, Linear
from movingtarget.training.greedy import greedy
from movingtarget.training.interface import Batch, Outcome, UpdateRule
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH, DEPTH, STEPS = 3, 8, 3, 12
RATES = torch.tensor([0.5, 0.1, 0.02]).double()
assert_close = partial(torch.testing.assert_close, rtol=0.0, atol=1e-11)  # float64: round-off only


def random_batches(steps: int = STEPS) -> list[Batch]:
    source = torch.Generator().manual_seed(1)
    return [
        Batch(
            torch.randn(MEMBERS, BATCH, 5, generator=source).double(),
            torch.randint(4, (MEMBERS, BATCH), generator=source),
        )
        for _ in range(steps)
    ]


def steps_of(
    rule: UpdateRule, networks: list[nn.Module], steps: int = STEPS, rates: Tensor = RATES
) -> list[Outcome]:
    """The outcome of each of a stack's steps, in float64, with copies of the parameters."""
    parameters = stack(network.double() for network in networks)
    memory: Parameters = {}
    outcomes = []
    for batch in random_batches(steps):
        outcome = rule(networks[0], parameters, batch, memory, rates)
        parameters, memory = outcome.parameters, outcome.memory
        copies = {name: value.clone() for name, value in parameters.items()}
        outcomes.append(outcome._replace(parameters=copies))
    return outcomes


def cut_short(network: Any, layers: int) -> nn.Sequential:
    """The lowest hidden layers and all that comes after the highest one."""
    top = [network.last, network.head] if hasattr(network, "last") else [network.head]
    return nn.Sequential(*network.hidden[:layers], *top)


def slowly_trained(network: nn.Module, member: int) -> tuple[Parameters, list[float]]:
    """One member trained by torch's own descent, two steps for each of three layers, then six for all."""
    losses = []
    for step, (inputs, labels) in enumerate(random_batches()):
        short = cut_short(network, min(step // 2 + 1, DEPTH))
        moving = short[step // 2 :] if step < STEPS // 2 else short
        optimiser = torch.optim.SGD(moving.parameters(), lr=RATES[member].item())
        optimiser.zero_grad()
        loss = F.cross_entropy(short(inputs[member]), labels[member])
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    return {name: value.detach() for name, value in network.named_parameters()}, losses


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_agrees_with_torch_on_networks_cut_short(random_networks: RandomNetworks, family: str) -> None:
    networks = random_networks(family, MEMBERS, DEPTH)
    outcomes = steps_of(greedy(STEPS), networks)
    losses = torch.stack([outcome.loss for outcome in outcomes])
    for member, network in enumerate(networks):
        parameters, expected = slowly_trained(network, member)
        assert_close(unstack(outcomes[-1].parameters, member), parameters)
        assert_close(losses[:, member].tolist(), expected)


@given(steps=st.integers(1, 20), depth=st.integers(1, 4))
def test_layers_move_in_turn_and_then_together(
    random_networks: RandomNetworks, steps: int, depth: int
) -> None:
    networks = random_networks("plain", MEMBERS, depth)
    before = stack(network.double() for network in networks)
    alone = [0] * depth
    for step, outcome in enumerate(steps_of(greedy(steps), networks, steps)):
        moved = {name for name, value in outcome.parameters.items() if not torch.equal(value, before[name])}
        before = outcome.parameters
        layers = [place for place in range(depth) if f"hidden.{place}.linear.bias" in moved]
        assert {"head.weight", "head.bias"} <= moved
        if step >= steps // 2:
            assert moved == set(before)
        else:
            assert len(layers) == 1
            alone[layers[0]] += 1
    half = steps // 2
    assert sum(alone) == half
    assert max(alone) - min(alone) <= 1


def test_one_hidden_layer_is_trained_by_gradient_descent(random_networks: RandomNetworks) -> None:
    networks = random_networks("residual-batch-norm", MEMBERS, 1)
    expected = steps_of(simultaneous, networks, 4)
    for outcome, other in zip(steps_of(greedy(4), networks, 4), expected, strict=True):
        assert_close(outcome.parameters, other.parameters)
        assert outcome.cost == other.cost


def test_a_network_without_hidden_layers_is_trained_by_gradient_descent() -> None:
    networks: list[nn.Module] = [nn.Sequential(Linear(5, 4)) for _ in range(MEMBERS)]
    expected = steps_of(simultaneous, networks, 4)[-1]
    assert_close(steps_of(greedy(4), networks, 4)[-1].parameters, expected.parameters)


def test_the_memory_counts_the_steps_and_goes_on_from_there(random_networks: RandomNetworks) -> None:
    networks = random_networks("plain", MEMBERS)
    outcomes = steps_of(greedy(STEPS), networks)
    assert [int(outcome.memory["step"]) for outcome in outcomes] == list(range(1, STEPS + 1))
    start = {name: value.clone() for name, value in outcomes[2].parameters.items()}
    resumed = greedy(STEPS)(networks[0], start, random_batches()[3], outcomes[2].memory, RATES)
    assert_close(resumed.parameters, outcomes[3].parameters)


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_every_step_costs_what_torch_counts(random_networks: RandomNetworks, family: str) -> None:
    networks = random_networks(family, MEMBERS, DEPTH)
    parameters, memory, flops = stack(networks), dict[str, Tensor](), []
    for inputs, labels in random_batches():
        with FlopCounterMode(display=False) as counter:
            outcome = greedy(STEPS)(
                networks[0], parameters, Batch(inputs.float(), labels), memory, RATES.float()
            )
        memory = outcome.memory
        flops.append(outcome.cost.flops)
        assert outcome.cost == (1.0, counter.get_total_flops() / MEMBERS)
    assert flops == sorted(flops)
    assert flops[0] < flops[-1]


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("family", PERCEPTRONS)
def test_a_stack_moves_as_its_members_alone(random_networks: RandomNetworks, family: str, step: int) -> None:
    networks = [network.double() for network in random_networks(family, MEMBERS)]
    inputs, labels = random_batches()[0]
    rule, memory = greedy(8), {"step": torch.tensor(step)}
    together = rule(networks[0], stack(networks), Batch(inputs, labels), memory, RATES)
    for member, network in enumerate(networks):
        own = slice(member, member + 1)
        alone = rule(network, stack([network]), Batch(inputs[own], labels[own]), memory, RATES[own])
        assert_close(alone.loss[0], together.loss[member])
        assert_close(unstack(alone.parameters, 0), unstack(together.parameters, member))


def test_a_member_that_diverges_touches_no_other(random_networks: RandomNetworks) -> None:
    networks = random_networks("batch-norm", MEMBERS)
    expected = steps_of(greedy(STEPS), networks)[-1]
    rates = torch.tensor([torch.inf, *RATES[1:]]).double()
    outcome = steps_of(greedy(STEPS), networks, rates=rates)[-1]
    assert outcome.loss[0].isnan()
    assert torch.equal(outcome.loss[1:], expected.loss[1:])
    for name, value in outcome.parameters.items():
        assert torch.equal(value[1:], expected.parameters[name][1:])


def test_hidden_layers_of_different_widths_are_refused() -> None:
    network = nn.Sequential(Linear(5, 6), nn.ReLU(), BatchNorm(6), Linear(6, 7), nn.ReLU(), Linear(7, 4))
    with pytest.raises(ValueError, match=r"hidden layers give 6, 7 features: .* allowed .* of one width"):
        steps_of(greedy(4), [network] * MEMBERS)


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="steps is 0; allowed: at least 1"):
        greedy(0)
