import math
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
from movingtarget.networks.residual import Residual
from movingtarget.training.freezing import freeze_in_order, freeze_lowest
from movingtarget.training.interface import Batch, Outcome, UpdateRule
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH, DEPTH, STEPS = 3, 8, 3, 6
LAYERS = DEPTH + 1
RATES = torch.tensor([0.5, 0.1, 0.02]).double()
assert_close = partial(torch.testing.assert_close, rtol=0.0, atol=1e-12)  # float64: round-off only


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


def layer_of(name: str, depth: int = DEPTH) -> int:
    """The layer of a family's parameter, 1 at the bottom."""
    return int(name.split(".")[1]) + 1 if name.startswith("hidden") else depth + 1


def slowly_trained(network: nn.Module, member: int, steps: int) -> tuple[Parameters, list[float]]:
    """One member trained by whole backward passes of which the frozen layers' part is thrown away."""
    losses = []
    for step, (inputs, labels) in enumerate(random_batches(steps)):
        network.zero_grad()
        loss = F.cross_entropy(network(inputs[member]), labels[member])
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(loss.item())
        for name, value in network.named_parameters():
            if step < steps * layer_of(name) / LAYERS:
                assert value.grad is not None
                value.data -= RATES[member] * value.grad
    return {name: value.detach() for name, value in network.named_parameters()}, losses


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_agrees_with_whole_gradients_of_which_a_part_is_used(
    random_networks: RandomNetworks, family: str
) -> None:
    networks = random_networks(family, MEMBERS, DEPTH)
    outcomes = steps_of(freeze_in_order(STEPS), networks)
    losses = torch.stack([outcome.loss for outcome in outcomes])
    for member, network in enumerate(networks):
        parameters, expected = slowly_trained(network, member, STEPS)
        assert_close(unstack(outcomes[-1].parameters, member), parameters)
        assert_close(losses[:, member].tolist(), expected)


@given(steps=st.integers(1, 12), depth=st.integers(1, 5))
def test_each_layer_moves_in_its_share_of_the_steps_and_the_top_one_to_the_end(
    random_networks: RandomNetworks, steps: int, depth: int
) -> None:
    networks = random_networks("plain", MEMBERS, depth)
    before = stack(network.double() for network in networks)
    moved = dict.fromkeys(before, 0)
    for outcome in steps_of(freeze_in_order(steps), networks, steps + 2):
        for name, value in outcome.parameters.items():
            moved[name] += not torch.equal(value, before[name])
        before = outcome.parameters
    for name, count in moved.items():
        layer = layer_of(name, depth)
        assert count == (steps + 2 if layer > depth else math.ceil(steps * layer / (depth + 1)))


def test_the_first_steps_are_those_of_gradient_descent(random_networks: RandomNetworks) -> None:
    networks = random_networks("residual-batch-norm", MEMBERS)
    frozen = steps_of(freeze_in_order(8), networks, 2)[-1]
    assert_close(frozen.parameters, steps_of(simultaneous, networks, 2)[-1].parameters)


def test_the_memory_counts_the_steps_and_goes_on_from_there(random_networks: RandomNetworks) -> None:
    networks = random_networks("plain", MEMBERS)
    outcomes = steps_of(freeze_in_order(STEPS), networks)
    assert [int(outcome.memory["step"]) for outcome in outcomes] == list(range(1, STEPS + 1))
    start = {name: value.clone() for name, value in outcomes[2].parameters.items()}
    resumed = freeze_in_order(STEPS)(networks[0], start, random_batches()[3], outcomes[2].memory, RATES)
    assert_close(resumed.parameters, outcomes[3].parameters)


def test_batch_norm_of_frozen_layers_uses_the_batch(random_networks: RandomNetworks) -> None:
    networks = random_networks("batch-norm", MEMBERS)
    parameters, batch = stack(network.double() for network in networks), random_batches()[0]
    rule, last = freeze_in_order(STEPS), {"step": torch.tensor(STEPS - 1)}
    losses = [
        rule(networks[0], parameters, Batch(inputs, batch.labels), last, 0 * RATES).loss
        for inputs in (batch.inputs, 5 * batch.inputs + 1)
    ]
    # an affine image of the batch is the same to layers that normalise it, but for epsilon
    assert_close(losses[0], losses[1], atol=1e-3)
    assert not torch.equal(losses[0], losses[1])


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_every_step_costs_what_torch_counts(random_networks: RandomNetworks, family: str) -> None:
    networks = random_networks(family, MEMBERS, DEPTH)
    parameters, memory, flops = stack(networks), dict[str, Tensor](), []
    for inputs, labels in random_batches():
        with FlopCounterMode(display=False) as counter:
            outcome = freeze_in_order(STEPS)(
                networks[0], parameters, Batch(inputs.float(), labels), memory, RATES.float()
            )
        memory = outcome.memory
        flops.append(outcome.cost.flops)
        assert outcome.cost == (1.0, counter.get_total_flops() / MEMBERS)
    assert flops == sorted(flops, reverse=True)
    assert flops[-1] < flops[0]


def test_cost_of_blocks_with_two_weight_layers() -> None:
    networks = [Residual(5, 6, 5, 4, "relu", "batch-norm", block_layers=2) for _ in range(MEMBERS)]
    inputs, labels = random_batches()[0]
    for step in range(STEPS):
        with FlopCounterMode(display=False) as counter:
            outcome = freeze_in_order(STEPS)(
                networks[0],
                stack(networks),
                Batch(inputs.float(), labels),
                {"step": torch.tensor(step)},
                RATES.float(),
            )
        assert outcome.cost.flops == counter.get_total_flops() / MEMBERS


def test_no_frozen_layer_is_part_of_a_graph(random_networks: RandomNetworks) -> None:
    networks, wanted = random_networks("batch-norm", MEMBERS, DEPTH), list[bool]()
    for place in range(DEPTH):
        layer = networks[0].get_submodule(f"hidden.{place}.linear")
        layer.register_forward_hook(lambda layer, inputs, output: wanted.append(output.requires_grad))
    steps_of(freeze_in_order(LAYERS), networks, LAYERS)
    assert wanted == [place >= step for step in range(LAYERS) for place in range(DEPTH)]


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_a_stack_moves_as_its_members_alone(random_networks: RandomNetworks, family: str) -> None:
    networks = [network.double() for network in random_networks(family, MEMBERS)]
    inputs, labels = random_batches()[0]
    rule, memory = freeze_in_order(STEPS), {"step": torch.tensor(STEPS // 2)}
    together = rule(networks[0], stack(networks), Batch(inputs, labels), memory, RATES)
    for member, network in enumerate(networks):
        own = slice(member, member + 1)
        alone = rule(network, stack([network]), Batch(inputs[own], labels[own]), memory, RATES[own])
        assert_close(alone.loss[0], together.loss[member])
        assert_close(unstack(alone.parameters, 0), unstack(together.parameters, member))


def test_a_member_that_diverges_touches_no_other(random_networks: RandomNetworks) -> None:
    networks = random_networks("batch-norm", MEMBERS)
    expected = steps_of(freeze_in_order(STEPS), networks)[-1]
    rates = torch.tensor([torch.inf, *RATES[1:]]).double()
    outcome = steps_of(freeze_in_order(STEPS), networks, rates=rates)[-1]
    assert outcome.loss[0].isnan()
    assert torch.equal(outcome.loss[1:], expected.loss[1:])
    for name, value in outcome.parameters.items():
        assert torch.equal(value[1:], expected.parameters[name][1:])


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="steps is 0; allowed: at least 1"):
        freeze_in_order(0)


@pytest.mark.parametrize("family", PERCEPTRONS)
@pytest.mark.parametrize(
    ("layers", "moving"), [(0, range(0)), (1, range(2)), (2, range(4, 6)), (3, range(0))]
)
def test_the_lowest_layers_move_in_some_steps_only(
    random_networks: RandomNetworks, family: str, layers: int, moving: range
) -> None:
    networks = random_networks(family, MEMBERS, DEPTH)
    reached = steps_of(freeze_lowest(layers, moving), networks)[-1].parameters
    for member, network in enumerate(networks):
        for step, (inputs, labels) in enumerate(random_batches()):
            network.zero_grad()
            F.cross_entropy(network(inputs[member]), labels[member]).backward()
            for name, value in network.named_parameters():
                if layer_of(name) > layers or step in moving:
                    assert value.grad is not None
                    value.data -= RATES[member] * value.grad
        assert_close(unstack(reached, member), dict(network.named_parameters()))


def test_frozen_layers_cost_a_pass_forward_alone(random_networks: RandomNetworks) -> None:
    networks = random_networks("plain", MEMBERS)
    costs = [outcome.cost.flops for outcome in steps_of(freeze_lowest(2, range(3)), networks)]
    first, middle, last = (2.0 * BATCH * size for size in (5 * 6, 6 * 6, 6 * 4))
    assert costs[:3] == [3 * (first + 2 * middle + last) - first] * 3
    assert costs[3:] == [first + middle + 3 * (middle + last) - middle] * 3


def test_the_output_layer_cannot_be_frozen(random_networks: RandomNetworks) -> None:
    with pytest.raises(ValueError, match="layers is 4; allowed: 0 to 3, all but the output layer"):
        steps_of(freeze_lowest(4), random_networks("plain", MEMBERS))
    with pytest.raises(ValueError, match="layers is -1; allowed: at least 0"):
        freeze_lowest(-1)
