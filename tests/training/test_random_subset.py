"""Some layers of each step, against whole gradients of which those layers' are used."""

import math
from collections.abc import Callable
from copy import deepcopy
from io import BytesIO

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.training import random_subset as module
from movingtarget.training.interface import Batch, Outcome
from movingtarget.training.muon import muon
from movingtarget.training.random_subset import drawn_layers, random_subset
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH, DEPTH, STEPS = 3, 8, 3, 12
LAYERS = DEPTH + 1
RATES = torch.tensor([0.5, 0.1, 0.02]).double()
FAMILIES = ("plain", "batch-norm", "residual", "residual-batch-norm", "looks-linear")


def random_batches(steps: int = STEPS) -> list[Batch]:
    source = torch.Generator().manual_seed(2)
    return [
        Batch(
            torch.randn(MEMBERS, BATCH, 5, generator=source).double(),
            torch.randint(4, (MEMBERS, BATCH), generator=source),
        )
        for _ in range(steps)
    ]


def double(networks: list[nn.Module]) -> list[nn.Module]:
    return [network.double() for network in networks]


def stepped(
    direction: str, network: nn.Module, parameters: Parameters, batches: list[Batch], memory: Parameters
) -> list[Outcome]:
    outcomes = []
    for batch in batches:
        rule = random_subset(direction)  # type: ignore[arg-type]
        outcomes.append(rule(network, parameters, batch, memory, RATES))
        memory = outcomes[-1].memory
    return outcomes


def layer_of(name: str) -> int:
    """The layer of a family's parameter, from 0 at the bottom."""
    return int(name.split(".")[1]) if name.startswith("hidden") else DEPTH


@pytest.mark.parametrize("family", FAMILIES)
def test_the_drawn_layers_move_along_the_whole_losss_gradient_and_no_others(
    random_networks: RandomNetworks, family: str
) -> None:
    """Exactly: those left out keep every bit."""
    networks = double(random_networks(family, MEMBERS, DEPTH))
    parameters, memory = stack(networks), dict[str, Tensor]()
    loops = [deepcopy(network) for network in networks]
    for step, batch in enumerate(random_batches()):
        before = {name: value.clone() for name, value in parameters.items()}
        outcome = random_subset()(networks[0], parameters, batch, memory, RATES)
        memory, drawn = outcome.memory, drawn_layers(LAYERS, step)
        moved = {layer_of(name) for name, value in parameters.items() if not torch.equal(value, before[name])}
        assert moved == set(drawn)
        for member, network in enumerate(loops):
            loss = F.cross_entropy(network(batch.inputs[member]), batch.labels[member])
            gradients = torch.autograd.grad(loss, list(network.parameters()))
            for (name, value), gradient in zip(network.named_parameters(), gradients, strict=True):
                if layer_of(name) in drawn:
                    value.data -= RATES[member] * gradient
                torch.testing.assert_close(parameters[name][member], value.detach(), rtol=0, atol=1e-12)
            assert outcome.loss[member].item() == pytest.approx(loss.item(), abs=1e-12)


@pytest.mark.parametrize("direction", ["gradient", "muon"])
@pytest.mark.parametrize("family", FAMILIES)
def test_cost(random_networks: RandomNetworks, family: str, direction: str) -> None:
    """Backpropagation that ends at the lowest layer that moves is what torch counts."""
    networks = double(random_networks(family, MEMBERS, DEPTH))
    parameters, memory = stack(networks), dict[str, Tensor]()
    for batch in random_batches():
        with FlopCounterMode(display=False) as counter:
            (outcome,) = stepped(direction, networks[0], parameters, [batch], memory)
        memory = outcome.memory
        assert outcome.cost == (1.0, counter.get_total_flops() / MEMBERS)


@pytest.mark.parametrize(("direction", "whole"), [("gradient", simultaneous), ("muon", muon)])
def test_all_layers_drawn_is_a_step_of_all(
    random_networks: RandomNetworks, monkeypatch: pytest.MonkeyPatch, direction: str, whole: Callable
) -> None:
    monkeypatch.setattr(module, "drawn_layers", lambda layers, step: list(range(layers)))
    networks = double(random_networks("residual-batch-norm", MEMBERS, DEPTH))
    parameters, expected, memory = stack(networks), stack(networks), dict[str, Tensor]()
    outcomes = stepped(direction, networks[0], parameters, random_batches(), {})
    for batch, outcome in zip(random_batches(), outcomes, strict=True):
        other = whole(networks[0], expected, batch, memory, RATES)
        memory = other.memory
        torch.testing.assert_close(outcome.loss, other.loss)
        assert outcome.cost == other.cost
    torch.testing.assert_close(parameters, expected)


def test_momentum_of_a_layer_gathers_the_gradients_of_the_steps_that_move_it(
    random_networks: RandomNetworks,
) -> None:
    networks = double(random_networks("plain", MEMBERS, DEPTH))
    memory: Parameters = {}
    parameters = stack(networks)
    for step, batch in enumerate(random_batches()):
        (outcome,) = stepped("muon", networks[0], parameters, [batch], memory)
        for name, value in outcome.memory.items():
            still = name in memory and bool(torch.as_tensor(value == memory[name]).all())
            assert name == "step" or still == (layer_of(name) not in drawn_layers(LAYERS, step))
        memory = outcome.memory
    assert memory["step"] == STEPS


@pytest.mark.parametrize("direction", ["gradient", "muon"])
def test_a_stack_moves_as_each_member_alone(random_networks: RandomNetworks, direction: str) -> None:
    networks = double(random_networks("batch-norm", MEMBERS, DEPTH))
    parameters = stack(networks)
    stepped(direction, networks[0], parameters, random_batches(), {})
    for member, network in enumerate(networks):
        alone, memory = stack([network]), dict[str, Tensor]()
        for inputs, labels in random_batches():
            batch = Batch(inputs[member, None], labels[member, None])
            rule = random_subset(direction)  # type: ignore[arg-type]
            memory = rule(network, alone, batch, memory, RATES[member, None]).memory
        torch.testing.assert_close(unstack(parameters, member), unstack(alone, 0))


@pytest.mark.parametrize("direction", ["gradient", "muon"])
def test_memory_outlives_a_file(random_networks: RandomNetworks, direction: str) -> None:
    networks, batches = double(random_networks("batch-norm", MEMBERS, DEPTH)), random_batches()
    expected, parameters = stack(networks), stack(networks)
    stepped(direction, networks[0], expected, batches, {})
    *_, last = stepped(direction, networks[0], parameters, batches[:5], {})
    file = BytesIO()
    torch.save((parameters, last.memory), file)
    file.seek(0)
    parameters, memory = torch.load(file)
    stepped(direction, networks[0], parameters, batches[5:], memory)
    assert all(torch.equal(value, expected[name]) for name, value in parameters.items())


@given(layers=st.integers(1, 30), step=st.integers(0, 10**6))
def test_a_draw_is_of_layers_there_are_in_order_never_empty_and_always_the_same(
    layers: int, step: int
) -> None:
    drawn = drawn_layers(layers, step)
    assert drawn
    assert drawn == sorted(set(drawn))
    assert set(drawn) <= set(range(layers))
    assert drawn == drawn_layers(layers, step)


def test_each_layer_moves_in_half_of_the_steps_whatever_the_others_do() -> None:
    """Binomial, 4000 steps: within five standard deviations; an empty draw is rare among nine layers."""
    layers, steps = 9, 4000
    drawn = [set(drawn_layers(layers, step)) for step in range(steps)]
    expected, deviation = 0.5 + 2**-layers / layers, math.sqrt(0.25 / steps)
    for layer in range(layers):
        assert abs(sum(layer in one for one in drawn) / steps - expected) < 5 * deviation
    both = sum({0, 1} <= one for one in drawn) / steps
    assert abs(both - 0.25) < 5 * math.sqrt(0.25 * 0.75 / steps)


def test_an_empty_draw_becomes_a_single_layer_any_of_them() -> None:
    """Of two layers a fourth of the draws are empty, so each is alone in 3/8 of the steps, both in 1/4."""
    steps = 4000
    drawn = [tuple(drawn_layers(2, step)) for step in range(steps)]
    for outcome, share in {(0,): 3 / 8, (1,): 3 / 8, (0, 1): 1 / 4}.items():
        assert abs(drawn.count(outcome) / steps - share) < 5 * math.sqrt(share * (1 - share) / steps)


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="direction 'adam' is unknown; allowed: gradient, muon"):
        random_subset("adam")  # type: ignore[arg-type]
