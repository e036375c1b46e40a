from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from io import BytesIO
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.initialise import generator
from movingtarget.networks.layers import BatchNorm, Linear
from movingtarget.networks.residual import Residual
from movingtarget.training.interface import Batch, Outcome, UpdateRule
from movingtarget.training.sequential import Order, recomputed, round_robin, stale_sequential
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH, DEPTH, STEPS = 3, 8, 3, 4
LAYERS = DEPTH + 1
RATES = torch.tensor([0.5, 0.1, 0.02]).double()
SWEEPS: dict[str, UpdateRule] = {order: recomputed(order) for order in get_args(Order)}
SWEEPS["fresh"] = recomputed("forward", fresh=True)
RULES: dict[str, UpdateRule] = SWEEPS | {"stale": stale_sequential, "round-robin": round_robin}
FAMILIES = ("plain", "batch-norm", "residual", "residual-batch-norm", "looks-linear", "low-rank")
assert_close = partial(torch.testing.assert_close, rtol=0.0, atol=1e-12)  # float64: round-off only


def random_batches(steps: int, size: int = BATCH) -> list[Batch]:
    return [
        Batch(torch.randn(MEMBERS, size, 5).double(), torch.randint(4, (MEMBERS, size))) for _ in range(steps)
    ]


def double(networks: list[nn.Module]) -> list[nn.Module]:
    return [network.double() for network in networks]


def trained(
    rule: UpdateRule, network: nn.Module, parameters: Parameters, batches: list[Batch], rates: Tensor = RATES
) -> tuple[Parameters, list[Outcome]]:
    """Parameters after one step a batch, from a copy of these, and every step's outcome."""
    parameters = {name: value.clone() for name, value in parameters.items()}
    memory: Parameters = {}
    outcomes = []
    for batch in batches:
        outcomes.append(rule(network, parameters, batch, memory, rates))
        parameters, memory = outcomes[-1].parameters, outcomes[-1].memory
    return parameters, outcomes


def layer_of(name: str) -> int:
    """The layer of a family's parameter, from 0 at the bottom."""
    return int(name.split(".")[1]) if name.startswith("hidden") else DEPTH


def moves(rule: str, step: int, batch: Batch) -> list[tuple[int, Batch]]:
    """Which layer a step moves on which examples, one after the other."""
    parts = zip(batch.inputs.chunk(LAYERS, 1), batch.labels.chunk(LAYERS, 1), strict=True)
    shuffled = torch.randperm(LAYERS, generator=generator(step, "order of layers")).tolist()
    return {
        "forward": [(layer, batch) for layer in range(LAYERS)],
        "backward": [(layer, batch) for layer in reversed(range(LAYERS))],
        "random": [(layer, batch) for layer in shuffled],
        "fresh": [(layer, Batch(*part)) for layer, part in enumerate(parts)],
        "round-robin": [(step % LAYERS, batch)],
    }[rule]


def slowly_trained(
    rule: str, network: nn.Module, batches: Sequence[Batch], member: int
) -> tuple[nn.Module, list[float]]:
    """One member trained by whole backward passes of which one layer's gradient is used; losses of steps."""
    network, losses = deepcopy(network), []
    for step, batch in enumerate(batches):
        for place, (layer, (inputs, labels)) in enumerate(moves(rule, step, batch)):
            loss = F.cross_entropy(network(inputs[member]), labels[member])
            losses += [] if place else [loss.item()]
            gradients = torch.autograd.grad(loss, list(network.parameters()))
            for (name, value), gradient in zip(network.named_parameters(), gradients, strict=True):
                if layer_of(name) == layer:
                    value.data -= RATES[member] * gradient
    return network, losses


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rule", sorted(RULES.keys() - {"stale"}))
def test_agrees_with_whole_gradients_for_every_layer(
    random_networks: RandomNetworks, rule: str, family: str
) -> None:
    networks, batches = double(random_networks(family, MEMBERS, DEPTH)), random_batches(STEPS)
    parameters, outcomes = trained(RULES[rule], networks[0], stack(networks), batches)
    for member, network in enumerate(networks):
        expected, losses = slowly_trained(rule, network, batches, member)
        assert_close([outcome.loss[member].item() for outcome in outcomes], losses)
        for name, value in expected.named_parameters():
            assert_close(parameters[name][member], value.detach())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rule", RULES)
def test_a_stack_moves_as_each_member_alone(random_networks: RandomNetworks, rule: str, family: str) -> None:
    networks, batches = double(random_networks(family, MEMBERS, DEPTH)), random_batches(STEPS)
    parameters, _ = trained(RULES[rule], networks[0], stack(networks), batches)
    for member, network in enumerate(networks):
        own = [Batch(*(part[member, None] for part in batch)) for batch in batches]
        alone, _ = trained(RULES[rule], network, stack([network]), own, RATES[member, None])
        assert_close(unstack(parameters, member), unstack(alone, 0))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_stale_gradient_moves_as_all_at_once_to_the_last_bit(
    random_networks: RandomNetworks, family: str, dtype: torch.dtype
) -> None:
    networks = [network.to(dtype) for network in random_networks(family, MEMBERS, DEPTH)]
    batches = [Batch(batch.inputs.to(dtype), batch.labels) for batch in random_batches(STEPS)]
    start, rates = stack(networks), RATES.to(dtype)
    stale, stale_outcomes = trained(stale_sequential, networks[0], start, batches, rates)
    at_once, outcomes = trained(simultaneous, networks[0], start, batches, rates)
    assert stale.keys() == at_once.keys()
    for name, value in stale.items():
        assert torch.equal(value, at_once[name])
        assert not torch.equal(value, start[name])
    for one, other in zip(stale_outcomes, outcomes, strict=True):
        assert torch.equal(one.loss, other.loss)
        assert one.cost == other.cost


@pytest.mark.parametrize("family", FAMILIES)
def test_k_steps_of_round_robin_make_a_sweep(random_networks: RandomNetworks, family: str) -> None:
    networks, (batch,) = double(random_networks(family, MEMBERS, DEPTH)), random_batches(1)
    in_turn, outcomes = trained(round_robin, networks[0], stack(networks), [batch] * LAYERS)
    swept, (sweep,) = trained(SWEEPS["forward"], networks[0], stack(networks), [batch])
    for name, value in in_turn.items():
        assert torch.equal(value, swept[name])
    assert torch.equal(outcomes[0].loss, sweep.loss)
    assert sum(outcome.cost.gradient_evaluations for outcome in outcomes) == sweep.cost.gradient_evaluations
    # the prefixes are what a sweep saves
    assert sum(outcome.cost.flops for outcome in outcomes) > sweep.cost.flops


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fresh_sweep_is_round_robin_on_its_parts(random_networks: RandomNetworks, family: str) -> None:
    networks, batches = double(random_networks(family, MEMBERS, DEPTH)), random_batches(LAYERS)
    joined = Batch(*(torch.cat(parts, 1) for parts in zip(*batches, strict=True)))
    in_turn, outcomes = trained(round_robin, networks[0], stack(networks), batches)
    swept, (sweep,) = trained(SWEEPS["fresh"], networks[0], stack(networks), [joined])
    assert_close(swept, in_turn)
    assert_close(sweep.loss, outcomes[0].loss)
    assert sweep.cost.gradient_evaluations == sum(outcome.cost.gradient_evaluations for outcome in outcomes)
    assert sweep.cost.flops == sum(outcome.cost.flops for outcome in outcomes)


def assert_costs_what_torch_counts(rule: str, networks: list[nn.Module], layers: int) -> None:
    parameters: Parameters = stack(networks)
    memory: Parameters = {}
    for batch in random_batches(LAYERS, size=2 * layers):
        with FlopCounterMode(display=False) as counter:
            outcome = RULES[rule](networks[0], parameters, batch, memory, RATES)
        memory = outcome.memory
        assert outcome.cost.flops == counter.get_total_flops() / MEMBERS
        assert outcome.cost.gradient_evaluations == (layers if rule in SWEEPS else 1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("depth", [1, DEPTH])
@pytest.mark.parametrize("rule", RULES)
def test_cost(random_networks: RandomNetworks, rule: str, depth: int, family: str) -> None:
    assert_costs_what_torch_counts(rule, double(random_networks(family, MEMBERS, depth)), depth + 1)


@pytest.mark.parametrize("rule", RULES)
def test_cost_of_layers_with_two_products(rule: str) -> None:
    blocks = [Residual(5, 6, 5, 4, "relu", "batch-norm", block_layers=2) for _ in range(MEMBERS)]
    assert_costs_what_torch_counts(rule, double([*blocks]), layers=4)


@pytest.mark.parametrize("rule", RULES)
def test_cost_of_layers_without_products(rule: str) -> None:
    normalised = [nn.Sequential(BatchNorm(5), Linear(5, 6), BatchNorm(6), nn.ReLU(), Linear(6, 4))] * MEMBERS
    assert_costs_what_torch_counts(rule, double([*normalised]), layers=4)


def test_a_sweep_of_equal_layers_costs_two_products_a_layer_reached() -> None:
    networks: list[nn.Module] = [nn.Sequential(*(Linear(4, 4) for _ in range(10))) for _ in range(MEMBERS)]
    batch = Batch(torch.randn(MEMBERS, BATCH, 4), torch.randint(4, (MEMBERS, BATCH)))
    outcome = SWEEPS["forward"](networks[0], stack(networks), batch, {}, RATES.float())
    # 2 (k - i) + 2 products for each gradient, and a layer's output again when it has moved: k^2 + 2 k - 1
    assert outcome.cost == (10.0, (10**2 + 2 * 10 - 1) * 2.0 * BATCH * 4 * 4)


@pytest.mark.parametrize("rule", RULES)
def test_one_layer_moves_as_all_layers_do(rule: str) -> None:
    networks = double([nn.Sequential(Linear(5, 4)) for _ in range(MEMBERS)])
    batches = random_batches(STEPS)
    parameters, outcomes = trained(RULES[rule], networks[0], stack(networks), batches)
    expected, expected_outcomes = trained(simultaneous, networks[0], stack(networks), batches)
    assert all(torch.equal(value, expected[name]) for name, value in parameters.items())
    for outcome, other in zip(outcomes, expected_outcomes, strict=True):
        assert torch.equal(outcome.loss, other.loss)
        assert outcome.cost == other.cost


@pytest.mark.parametrize("rule", RULES)
def test_memory_outlives_a_file(random_networks: RandomNetworks, rule: str) -> None:
    networks, batches = double(random_networks("batch-norm", MEMBERS, DEPTH)), random_batches(STEPS)
    expected, _ = trained(RULES[rule], networks[0], stack(networks), batches)
    parameters, outcomes = trained(RULES[rule], networks[0], stack(networks), batches[:2])
    file = BytesIO()
    torch.save((parameters, outcomes[-1].memory), file)
    file.seek(0)
    parameters, memory = torch.load(file)
    for batch in batches[2:]:
        memory = RULES[rule](networks[0], parameters, batch, memory, RATES).memory
    assert all(torch.equal(value, expected[name]) for name, value in parameters.items())
    assert memory == ({"step": STEPS} if rule in ("random", "round-robin") else {})


@pytest.mark.parametrize("rule", RULES)
def test_parameters_move_in_place_and_want_no_gradient(random_networks: RandomNetworks, rule: str) -> None:
    networks, (batch,) = double(random_networks("residual", MEMBERS, DEPTH)), random_batches(1)
    parameters = stack(networks)
    storage = {name: value.data_ptr() for name, value in parameters.items()}
    outcome = RULES[rule](networks[0], parameters, batch, {}, RATES)
    assert {name: value.data_ptr() for name, value in outcome.parameters.items()} == storage
    assert not any(value.requires_grad for value in [*outcome.parameters.values(), outcome.loss])


@pytest.mark.parametrize("rule", RULES)
def test_a_member_that_diverges_leaves_the_others_alone(random_networks: RandomNetworks, rule: str) -> None:
    networks, batches = double(random_networks("plain", MEMBERS, DEPTH)), random_batches(LAYERS)
    expected, _ = trained(RULES[rule], networks[0], stack(networks), batches)
    start = stack(networks)
    start["hidden.1.linear.weight"][1] = torch.inf
    parameters, outcomes = trained(RULES[rule], networks[0], start, batches)
    assert outcomes[-1].loss.isfinite().tolist() == [True, False, True]
    for member in (0, 2):
        assert_close(unstack(parameters, member), unstack(expected, member))


@pytest.mark.parametrize("rule", RULES)
def test_layers_that_share_a_parameter_are_refused(rule: str) -> None:
    shared = Linear(5, 5)
    networks = double([nn.Sequential(shared, nn.Tanh(), shared) for _ in range(MEMBERS)])
    with pytest.raises(ValueError, match=r"layers share a parameter, 0\.weight and 2\.weight"):
        trained(RULES[rule], networks[0], stack(networks), random_batches(1))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("family", ["batch-norm", "residual-batch-norm"])
def test_batch_norm_of_one_example_is_refused(
    random_networks: RandomNetworks, family: str, rule: str
) -> None:
    networks = double(random_networks(family, MEMBERS, DEPTH))
    parameters, expected = stack(networks), stack(networks)
    (batch,) = random_batches(1, size=LAYERS if rule == "fresh" else 1)
    with pytest.raises(ValueError, match="batch norm needs a batch of at least 2 while training, got 1"):
        RULES[rule](networks[0], parameters, batch, {}, RATES)
    assert all(torch.equal(value, expected[name]) for name, value in parameters.items())
    assert not any(value.requires_grad for value in parameters.values())


def test_a_batch_that_does_not_divide_is_refused(random_networks: RandomNetworks) -> None:
    networks = double(random_networks("plain", MEMBERS, DEPTH))
    message = "batch of 6 examples for 4 layers with examples of their own; allowed: multiples of 4"
    with pytest.raises(ValueError, match=message):
        trained(SWEEPS["fresh"], networks[0], stack(networks), random_batches(1, size=6))


def test_unknown_orders_are_refused() -> None:
    with pytest.raises(ValueError, match="'sideways' is unknown; allowed: forward, backward, random"):
        recomputed("sideways")  # type: ignore[arg-type]
    for order in ("backward", "random"):
        with pytest.raises(ValueError, match=f"fresh examples for each layer goes forward, not {order}"):
            recomputed(order, fresh=True)
