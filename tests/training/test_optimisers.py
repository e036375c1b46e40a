"""Optimisers as update rules against a plain loop of the library's optimiser over one ordinary module."""

import io
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from pytorch_optimizer import SOAP, Shampoo
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, Muon, Optimizer, RMSprop
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.training.interface import Batch, Cost, Memory, UpdateRule
from movingtarget.training.kfac import kfac
from movingtarget.training.momentum import momentum
from movingtarget.training.optimisers import (
    adagrad,
    adam,
    heavy_ball,
    muon_with_adam,
    nesterov,
    soap,
    torch_rmsprop,
)
from movingtarget.training.shampoo import shampoo
from movingtarget.training.simultaneous import backpropagation_cost, simultaneous

MEMBERS, BATCH, PIXELS, STEPS = 3, 16, 6, 22  # past a renewal of Shampoo's roots, and two of SOAP's bases
RATES = torch.tensor([0.03, 0.01, 0.002])
RULES: dict[str, UpdateRule] = {
    "heavy ball": heavy_ball(0.8),
    "nesterov": nesterov(0.8),
    "adagrad": adagrad(1e-2),
    "rmsprop": torch_rmsprop(1e-2),
    "adam": adam(1e-2),
    "muon": muon_with_adam(0.9),
    "shampoo": shampoo(1e-2, 20),
    "soap": soap(1e-2, 10),
}
MAKERS: dict[str, Callable[[Sequence[Tensor], Sequence[Tensor]], list[Optimizer]]] = {
    "heavy ball": lambda matrices, others: [SGD([*matrices, *others], momentum=0.8)],
    "nesterov": lambda matrices, others: [SGD([*matrices, *others], momentum=0.8, nesterov=True)],
    "adagrad": lambda matrices, others: [Adagrad([*matrices, *others], eps=1e-2)],
    "rmsprop": lambda matrices, others: [RMSprop([*matrices, *others], eps=1e-2)],
    "adam": lambda matrices, others: [Adam([*matrices, *others], eps=1e-2)],
    "muon": lambda matrices, others: [
        Muon(matrices, momentum=0.9, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
        Adam(others),
    ],
    "shampoo": lambda matrices, others: [
        Shampoo([*matrices, *others], preconditioning_compute_steps=20, matrix_eps=1e-2)
    ],
    "soap": lambda matrices, others: [
        SOAP([*matrices, *others], weight_decay=0.0, eps=1e-2, precondition_frequency=10)
    ],
}


def random_networks(hidden_widths: Sequence[int], dtype: torch.dtype = torch.double) -> list[nn.Module]:
    network = autoencoder(PIXELS, hidden_widths)
    return [initialise_glorot(deepcopy(network), seed).to(dtype) for seed in range(MEMBERS)]


def random_images(dtype: torch.dtype = torch.double) -> list[Batch]:
    source = torch.Generator().manual_seed(1)
    shape = (STEPS, MEMBERS, BATCH, PIXELS)
    return [Batch(images, images) for images in torch.rand(shape, generator=source).to(dtype)]


def factor(step: int) -> float:
    """Of the rates: from 0 up, and down again."""
    return step / 4 if step < 4 else 1 - step / STEPS


def trained(
    networks: list[nn.Module],
    rule: UpdateRule,
    batches: Sequence[Batch],
    rates: Tensor = RATES,
    schedule: Callable[[int], float] = factor,
) -> tuple[Parameters, Memory]:
    parameters, memory = stack(networks), Memory()
    for step, batch in enumerate(batches):
        parameters, memory = rule(networks[0], parameters, batch, memory, rates * schedule(step))[:2]
    return parameters, memory


def trained_by_library(network: nn.Module, name: str, member: int) -> Parameters:
    """One member in a plain loop; Shampoo is told to find roots at the first step, too."""
    network = deepcopy(network)
    values = list(network.parameters())
    matrices, others = ([value for value in values if (value.dim() == 2) == two] for two in (True, False))
    optimisers = MAKERS[name](matrices, others)
    for step, (inputs, labels) in enumerate(random_images()):
        network.zero_grad()
        loss = F.binary_cross_entropy_with_logits(network(inputs[member]), labels[member], reduction="sum")
        (loss / BATCH).backward()  # type: ignore[no-untyped-call]
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = (RATES[member] * factor(step)).item()
            if isinstance(optimiser, Shampoo):
                optimiser.preconditioning_compute_steps = 20 if step else 1
            optimiser.step()
    return {name: value.detach() for name, value in network.named_parameters()}


@pytest.mark.parametrize("name", RULES)
def test_every_member_goes_as_the_library_takes_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Muon's half precision would magnify round-off; so would SOAP's bases of matrices without full rank
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    networks = random_networks([PIXELS, PIXELS] if name == "soap" else [5, 3])
    start = stack(networks)
    ours, _ = trained(networks, RULES[name], random_images())
    tolerance = 1e-5 if name == "soap" else 1e-10  # SOAP's bases are of single precision
    for member, network in enumerate(networks):
        theirs = trained_by_library(network, name, member)
        assert_close(unstack(ours, member), theirs, rtol=0, atol=tolerance)
        for parameter, value in theirs.items():
            assert (value - start[parameter][member]).abs().max() > 100 * tolerance


@pytest.mark.parametrize("name", RULES)
def test_a_stack_moves_as_each_member_alone(name: str) -> None:
    networks, batches = random_networks([5, 3]), random_images()
    together, _ = trained(networks, RULES[name], batches[:3])
    for member, network in enumerate(networks):
        own = slice(member, member + 1)
        alone, _ = trained(
            [network], RULES[name], [Batch(x[own], y[own]) for x, y in batches[:3]], RATES[own]
        )
        assert_close(unstack(alone, 0), unstack(together, member), rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps_before", [1, 12])
@pytest.mark.parametrize("name", RULES)
def test_a_training_goes_on_from_a_file_to_the_bit(name: str, steps_before: int) -> None:
    networks, batches, rule = random_networks([5, 3], torch.float), random_images(torch.float), RULES[name]
    expected, _ = trained(networks, rule, batches)
    file = io.BytesIO()
    torch.save(trained(networks, rule, batches[:steps_before]), file)
    file.seek(0)
    parameters, memory = torch.load(file, weights_only=True)
    for step, batch in enumerate(batches[steps_before:], start=steps_before):
        parameters, memory = rule(networks[0], parameters, batch, memory, RATES * factor(step))[:2]
    for parameter, value in expected.items():
        assert torch.equal(parameters[parameter], value)


@pytest.mark.parametrize("name", RULES)
def test_a_rate_of_zero_moves_nothing(name: str) -> None:
    networks = random_networks([5, 3])
    start = stack(networks)
    rates = RATES * torch.tensor([0.0, 1.0, 1.0])
    after, _ = trained(networks, RULES[name], random_images(), rates)
    for parameter, value in after.items():
        assert torch.equal(value[0], start[parameter][0])
        assert not torch.equal(value[1], start[parameter][1])


@pytest.mark.parametrize("name", RULES)
def test_a_member_that_diverges_touches_no_other(name: str) -> None:
    networks, batches = random_networks([5, 3], torch.float), random_images(torch.float)
    expected, _ = trained(networks, RULES[name], batches)
    after, _ = trained(networks, RULES[name], batches, torch.tensor([torch.inf, *RATES[1:]]))
    for parameter, value in after.items():
        assert value[0].isnan().all()
        assert torch.equal(value[1:], expected[parameter][1:])


@pytest.mark.parametrize("name", ["shampoo", "soap"])
def test_a_member_with_a_matrix_that_cannot_be_decomposed_is_lost(name: str) -> None:
    """Losses are finite, products of gradients are not."""
    networks, (images, _) = random_networks([5, 3], torch.float), random_images(torch.float)[0]
    layers = nn.Sequential(*(part for part in networks[0].children() if isinstance(part, nn.Linear)))
    inputs = images * torch.tensor([1.0, 1e25, 1.0])[:, None, None]
    first = RULES[name](layers, stack([layers] * MEMBERS), Batch(inputs, images), {}, RATES)
    second = RULES[name](layers, first.parameters, Batch(images, images), first.memory, RATES)
    assert first.loss.isfinite().all()
    assert second.loss.isfinite().tolist() == [True, False, True]
    for value in second.parameters.values():
        assert value[1].isnan().all()
        assert value[[0, 2]].isfinite().all()


@pytest.mark.parametrize("share", [0.0, 0.9])
def test_heavy_ball_at_a_constant_rate_is_our_momentum(share: float) -> None:
    networks, batches = random_networks([5, 3]), random_images()
    ours, theirs = (
        trained(networks, rule, batches, schedule=lambda step: 1.0)[0]
        for rule in (momentum(share, weight_decay=0.0, by_norms=False), heavy_ball(share))
    )
    assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_nesterov_without_a_share_is_gradient_descent() -> None:
    networks, batches = random_networks([5, 3]), random_images()
    expected, found = (trained(networks, rule, batches)[0] for rule in (simultaneous, nesterov(0.0)))
    assert_close(found, expected, rtol=0, atol=1e-12)


def counted(name: str, steps: int) -> tuple[Cost, float]:
    """The cost that a rule reports of its last step, and the FLOPs that torch counts there, one member's."""
    networks, batches = random_networks([5, 3]), random_images()
    parameters, memory = trained(networks, RULES[name], batches[: steps - 1])
    in_place = {torch.ops.aten.addmm_: _addmm_flops}  # which torch leaves out by itself
    with FlopCounterMode(display=False, custom_mapping=in_place) as counter:
        outcome = RULES[name](networks[0], parameters, batches[steps - 1], memory, RATES)
    return outcome.cost, counter.get_total_flops() / MEMBERS


def _addmm_flops(added: torch.Size, left: torch.Size, right: torch.Size, **_: object) -> int:
    return 2 * left[0] * left[1] * right[1]


@pytest.mark.parametrize("name", ["heavy ball", "nesterov", "adagrad", "rmsprop", "adam", "muon"])
def test_cost_is_what_torch_counts(name: str) -> None:
    cost, expected = counted(name, 2)
    assert cost == Cost(1.0, expected)
    if name != "muon":
        assert cost == backpropagation_cost(random_networks([5, 3])[0], BATCH)


@pytest.mark.parametrize(
    ("name", "every", "decomposition", "with_vectors"),
    [("shampoo", 20, 9, True), ("soap", 10, 8 / 3, False)],
)
def test_cost_with_a_share_of_decompositions(
    name: str, every: int, decomposition: float, with_vectors: bool
) -> None:
    cost, expected = counted(name, 2)
    sides = [
        side
        for value in random_networks([5, 3])[0].parameters()
        for side in value.shape
        if with_vectors or value.dim() == 2
    ]
    cubes = sum(side**3 for side in sides)
    assert cost.flops == pytest.approx(expected + (decomposition + 2) * cubes / every, rel=1e-12)
    assert cost.gradient_evaluations == 1
    # torch counts, of what is done at a renewal, the one product
    of_renewal = counted(name, every if name == "shampoo" else every + 1)
    assert of_renewal == (cost, expected + 2 * cubes)


@pytest.mark.parametrize("rule", [heavy_ball, nesterov, muon_with_adam])
@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_shares_that_are_refused(rule: Callable[[float], UpdateRule], share: float) -> None:
    with pytest.raises(ValueError, match=rf"^share is {share}; allowed: from 0 up to, but not, 1$"):
        rule(share)


@pytest.mark.parametrize(
    "rule", [adagrad, torch_rmsprop, adam, partial(shampoo, renewal_steps=1), partial(soap, renewal_steps=1)]
)
@pytest.mark.parametrize("epsilon", [-1.0, 0.0, float("nan")])
def test_epsilons_that_are_refused(rule: Callable[[float], UpdateRule], epsilon: float) -> None:
    with pytest.raises(ValueError, match=rf"^epsilon is {epsilon}; allowed: above 0$"):
        rule(epsilon)


@pytest.mark.parametrize("rule", [shampoo, soap, kfac])
def test_what_is_never_renewed_is_refused(rule: Callable[[float, int], UpdateRule]) -> None:
    with pytest.raises(ValueError, match=r"^renewal_steps is 0; allowed: at least 1$"):
        rule(1.0, 0)
