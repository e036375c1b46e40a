"""What holds of K-FAC, FOOF and ProxProp alike: members, costs, interruptions and refusals."""

import io
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.layers import Linear
from movingtarget.training.foof import foof
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.kfac import kfac
from movingtarget.training.proxprop import proxprop

RandomNetworks = Callable[..., list[nn.Module]]
Made = Callable[[float], UpdateRule]

MEMBERS, STEPS = 3, 23  # of K-FAC's inverses, two
RATES = torch.tensor([0.03, 0.01, 0.003])
RULES: dict[str, Made] = {"kfac": partial(kfac, renewal_steps=20), "foof": foof, "proxprop": proxprop}
every_rule = pytest.mark.parametrize("name", RULES)
of_both_kinds = pytest.mark.parametrize("labels", ["classes", "images"])


def networks_of(labels: str, dtype: torch.dtype = torch.double) -> list[nn.Module]:
    """Equal networks: of classes a plain chain, of images an autoencoder with a linear code."""
    if labels == "images":
        networks = [initialise_glorot(autoencoder(5, [7, 4, 2]), seed) for seed in range(MEMBERS)]
    else:
        layers = Linear(5, 6), nn.ReLU(), Linear(6, 6), nn.Tanh(), Linear(6, 4)
        networks = [initialise_glorot(nn.Sequential(*deepcopy(layers)), seed) for seed in range(MEMBERS)]
    return [network.to(dtype) for network in networks]


def random_batches(
    labels: str, steps: int = STEPS, examples: int = 9, dtype: torch.dtype = torch.double
) -> list[Batch]:
    source, batches = torch.Generator().manual_seed(1), []
    for _ in range(steps):
        inputs = torch.rand(MEMBERS, examples, 5, generator=source).to(dtype)
        classes = torch.randint(4, (MEMBERS, examples), generator=source)
        batches.append(Batch(inputs, inputs if labels == "images" else classes))
    return batches


def trained(
    rule: UpdateRule,
    networks: list[nn.Module],
    batches: list[Batch],
    rates: Tensor = RATES,
    members: slice = slice(None),
) -> Parameters:
    parameters, memory = stack(networks[members]), dict[str, Any]()
    for inputs, labels in batches:
        batch = Batch(inputs[members], labels[members])
        parameters, memory, *_ = rule(networks[0], parameters, batch, memory, rates[members])
    return parameters


@every_rule
@of_both_kinds
def test_a_stack_moves_as_its_members_alone(name: str, labels: str) -> None:
    rule, networks, batches = RULES[name](0.1), networks_of(labels), random_batches(labels)
    together = trained(rule, networks, batches)
    for member in range(MEMBERS):
        alone = trained(rule, networks, batches, members=slice(member, member + 1))
        assert_close(unstack(together, member), unstack(alone, 0), rtol=0, atol=1e-11)
        start = dict(networks[member].named_parameters())
        assert all((unstack(alone, 0)[key] - value).abs().max() > 1e-4 for key, value in start.items())


@every_rule
@of_both_kinds
@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_a_member_that_diverges_touches_no_other(name: str, labels: str, bad: float) -> None:
    rule, networks, batches = RULES[name](0.1), networks_of(labels), random_batches(labels)
    expected = trained(rule, networks, batches)
    rates = torch.tensor([bad, *RATES[1:]])
    after = trained(rule, networks, batches, rates)
    for key, value in after.items():
        assert not value[0].isfinite().any()
        assert torch.equal(value[1:], expected[key][1:])


@every_rule
@of_both_kinds
@pytest.mark.parametrize("interrupted", [1, 20, 21])
def test_an_interrupted_training_goes_on_to_the_bit(name: str, labels: str, interrupted: int) -> None:
    networks, batches = networks_of(labels, torch.float), random_batches(labels, dtype=torch.float)
    expected = trained(RULES[name](0.1), networks, batches)
    parameters, memory = stack(networks), dict[str, Any]()
    for step, batch in enumerate(batches):
        if step == interrupted:
            file = io.BytesIO()
            torch.save([parameters, memory], file)
            file.seek(0)
            parameters, memory = torch.load(file, weights_only=True)
        parameters, memory, *_ = RULES[name](0.1)(networks[0], parameters, batch, memory, RATES)
    for key, value in parameters.items():
        assert torch.equal(value, expected[key])


@every_rule
@of_both_kinds
def test_the_loss_is_the_one_before_the_step_and_nothing_keeps_a_history(name: str, labels: str) -> None:
    networks, (batch,) = networks_of(labels), random_batches(labels, 1)
    parameters = stack(networks)
    outcome = RULES[name](0.1)(networks[0], parameters, batch, {}, RATES)
    for member, network in enumerate(networks):
        logits, own = network(batch.inputs[member]), batch.labels[member]
        if labels == "images":
            loss = nn.functional.binary_cross_entropy_with_logits(logits, own, reduction="sum") / len(own)
        else:
            loss = nn.functional.cross_entropy(logits, own)
        assert_close(outcome.loss[member], loss.detach(), rtol=0, atol=1e-13)
    file = io.BytesIO()
    torch.save(outcome.memory, file)
    assert not any(value.requires_grad for value in [*outcome.parameters.values(), outcome.loss])


def joint_sizes(network: nn.Module) -> list[tuple[int, int]]:
    layers = [part for part in network.modules() if isinstance(part, Linear)]
    return [(layer.in_features + 1, layer.out_features) for layer in layers]


def uncounted(name: str, network: nn.Module, examples: int, by_examples: bool) -> float:
    """FLOPs of decompositions and solutions, which torch does not count, of a member and a step."""
    sizes = joint_sizes(network)
    if name == "kfac":
        return sum(features**3 + outputs**3 for features, outputs in sizes) / 20
    if name == "proxprop":
        return 0.0
    systems = [(examples if by_examples else features, outputs) for features, outputs in sizes]
    return sum(n**3 / 3 + 2 * n**2 * outputs for n, outputs in systems)


@every_rule
@of_both_kinds
@pytest.mark.parametrize(("examples", "by_examples"), [(2, True), (40, False)])
def test_cost_is_what_torch_counts_and_the_formula_of_decompositions(
    name: str, labels: str, examples: int, by_examples: bool
) -> None:
    networks, (batch,) = networks_of(labels), random_batches(labels, 1, examples)
    with FlopCounterMode(display=False) as counter:
        outcome = RULES[name](0.1)(networks[0], stack(networks), batch, {}, RATES)
    counted = counter.get_total_flops() / MEMBERS
    further = uncounted(name, networks[0], examples, by_examples)
    assert outcome.cost.flops == pytest.approx(counted + further, rel=1e-12)
    assert outcome.cost.gradient_evaluations == 1


def test_cost_of_kfac_is_the_same_in_every_step() -> None:
    networks, batches, rule = networks_of("images"), random_batches("images"), kfac(0.1, 20)
    parameters, memory, costs = stack(networks), dict[str, Any](), set()
    for batch in batches:
        with FlopCounterMode(display=False) as counter:
            parameters, memory, cost, _ = rule(networks[0], parameters, batch, memory, RATES)
        costs.add((cost, counter.get_total_flops()))
    assert len(costs) == 1


@every_rule
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_not_above_zero_is_refused(name: str, value: float) -> None:
    argument = "proximal_rate" if name == "proxprop" else "damping"
    with pytest.raises(ValueError, match=f"^{argument} is {value}; allowed: finite, above 0$"):
        RULES[name](value)


@every_rule
def test_a_layer_that_normalises_is_refused(random_networks: RandomNetworks, name: str) -> None:
    (network,) = random_networks("batch-norm", 1)
    batch = Batch(torch.randn(1, 8, 5), torch.randint(4, (1, 8)))
    message = r"^layer 0 \(hidden.0.linear.weight, .*\) is Sequential; allowed: Linear alone$"
    with pytest.raises(ValueError, match=message):
        RULES[name](0.1)(network, stack([network]), batch, {}, RATES[:1])


@every_rule
def test_a_layer_without_bias_is_refused(name: str) -> None:
    network = nn.Sequential(Linear(5, 6), nn.Tanh(), Linear(6, 4, bias=False))
    batch = Batch(torch.randn(1, 8, 5), torch.randint(4, (1, 8)))
    with pytest.raises(
        ValueError, match=r"^layer 2.weight has no bias; allowed: layers with weights and a bias$"
    ):
        RULES[name](0.1)(network, stack([network]), batch, {}, RATES[:1])


@every_rule
def test_layers_through_which_no_gradient_comes_stand_still(name: str) -> None:
    network = networks_of("classes")[0]
    dead = deepcopy(network)
    dead.get_parameter("0.bias").data.fill_(-100.0)  # no unit of the first layer is active
    (batch,) = random_batches("classes", 1)
    parameters = stack([dead, network, network])
    before = deepcopy(parameters)
    after = trained(RULES[name](0.1), [dead, network, network], [batch])
    for key, value in after.items():
        assert value.isfinite().all()
        assert torch.equal(value[0], before[key][0]) == (key.startswith("0.") or key == "2.weight")
