import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import combinations
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call
from torch.testing import assert_close

from movingtarget.measures.layers import layers_of
from movingtarget.measures.moving_target import (
    covariate_shift,
    drops,
    gradient_norms,
    gradients,
    input_drift,
    movement,
)
from movingtarget.networks import Parameters, stack, unstack
from movingtarget.training.interface import Batch

RandomNetworks = Callable[..., list[nn.Module]]
Loss = Callable[[Tensor, Tensor], Tensor]
Layers = Sequence[list[str]]
FAMILIES = ["plain", "batch-norm", "residual", "residual-batch-norm", "looks-linear", "low-rank"]
MEMBERS, BATCH = 3, 8


def assert_near(actual: Any, expected: Any) -> None:
    """Equal but for the round-off of double precision."""
    assert_close(actual, expected, rtol=1e-9, atol=1e-12)


def random_batch(members: int = MEMBERS, size: int = BATCH) -> Batch:
    """Minibatches of 5 features in 4 classes, in double precision."""
    source = torch.Generator().manual_seed(1)
    inputs = torch.randn(members, size, 5, dtype=torch.double, generator=source)
    return Batch(inputs, torch.randint(4, (members, size), generator=source))


def moved_anyhow(before: Parameters, size: float = 0.1) -> Parameters:
    """A step that no gradient told."""
    source = torch.Generator().manual_seed(2)
    return {
        name: value + size * torch.randn(value.shape, generator=source, dtype=value.dtype)
        for name, value in before.items()
    }


def example(random_networks: RandomNetworks, family: str, depth: int = 3) -> tuple[nn.Module, Parameters]:
    networks = [network.double() for network in random_networks(family, MEMBERS, depth)]
    return networks[0], stack(networks)


def layers_by_name(network: nn.Module) -> dict[str, list[str]]:
    """Names of the parameters of each layer of a family, told by the names alone."""
    names = [name for name, _ in network.named_parameters()]
    hidden = dict.fromkeys(".".join(name.split(".")[:2]) for name in names if name.startswith("hidden."))
    layers = {layer: [name for name in names if name.startswith(f"{layer}.")] for layer in hidden}
    return layers | {"head": [name for name in names if not name.startswith("hidden.")]}


def mixed(before: Parameters, after: Parameters, moved: Layers) -> Parameters:
    """All parameters, those of some layers in the places they have moved to."""
    names = {name for layer in moved for name in layer}
    return {name: (after if name in names else before)[name].detach() for name in before}


def whole_loss(
    network: nn.Module, parameters: Parameters, batch: Batch, loss: Loss = F.cross_entropy
) -> Tensor:
    """The loss of one network, called as a whole."""
    return loss(functional_call(network, parameters, (batch.inputs,)), batch.labels)


def whole_gradient(
    network: nn.Module, parameters: Parameters, batch: Batch, loss: Loss = F.cross_entropy
) -> Parameters:
    leaves = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
    values = torch.autograd.grad(whole_loss(network, leaves, batch, loss), list(leaves.values()))
    return dict(zip(leaves, values, strict=True))


def vector(values: Parameters, names: list[str]) -> Tensor:
    return torch.cat([values[name].detach().flatten() for name in names])


def inner(one: Parameters, other: Parameters) -> Tensor:
    return (vector(one, list(one)) * vector(other, list(one))).sum()


def difference(one: Parameters, other: Parameters) -> Parameters:
    return {name: (one[name] - other[name]).detach() for name in one}


def assert_drops(
    network: nn.Module, layers: Layers, before: Parameters, after: Parameters, batch: Batch, loss: Loss
) -> None:
    """Compare the drops of one network with those of whole networks."""
    measured = drops(network, before, after, *batch, loss)
    start = whole_loss(network, before, batch, loss).detach()
    single = [
        start - whole_loss(network, mixed(before, after, [layer]), batch, loss).detach() for layer in layers
    ]
    promise = -inner(whole_gradient(network, before, batch, loss), difference(after, before))
    assert_near(measured.loss, start)
    assert_near(measured.joint, start - whole_loss(network, after, batch, loss).detach())
    assert_near(measured.single, torch.stack(single))
    assert_near(measured.first_order, promise)


def assert_shift(
    network: nn.Module, layers: Layers, before: Parameters, after: Parameters, batch: Batch, loss: Loss
) -> None:
    """Compare the shift of one network with that of gradients of whole networks."""
    measured = covariate_shift(network, before, after, *batch, loss)
    old = whole_gradient(network, before, batch, loss)
    for place, layer in enumerate(layers):
        new = whole_gradient(network, mixed(before, after, layers[:place]), batch, loss)
        g, changed = vector(old, layer), vector(new, layer)
        assert_close(measured.relative[place], (g - changed).norm() / g.norm(), rtol=1e-9, atol=1e-9)
        cosine = F.cosine_similarity(g, changed, dim=0, eps=0)
        assert_close(measured.cosine[place], cosine, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("family", FAMILIES)
def test_drops_and_shift_are_those_of_whole_networks(
    random_networks: RandomNetworks, family: str, depth: int
) -> None:
    network, before = example(random_networks, family, depth)
    after, batch, layers = moved_anyhow(before), random_batch(), [*layers_by_name(network).values()]
    for member in range(MEMBERS):
        own = unstack(before, member), unstack(after, member), Batch(*(part[member] for part in batch))
        assert_drops(network, layers, *own, F.cross_entropy)
        assert_shift(network, layers, *own, F.cross_entropy)


@pytest.mark.parametrize("family", FAMILIES)
def test_members_of_a_stack_are_as_each_alone(random_networks: RandomNetworks, family: str) -> None:
    network, before = example(random_networks, family)
    after, batch = moved_anyhow(before), random_batch()

    def measured(old: Parameters, new: Parameters, batch: Batch, stacked: bool) -> list[Tensor]:
        layers, gradient = layers_by_name(network), gradients(network, old, *batch, stacked=stacked)
        return [
            *drops(network, old, new, *batch, stacked=stacked),
            *covariate_shift(network, old, new, *batch, stacked=stacked),
            input_drift(network, old, new, batch.inputs, stacked=stacked),
            movement(layers, old, new, stacked=stacked),
            gradient_norms(layers, gradient, stacked=stacked),
        ]

    together = measured(before, after, batch, stacked=True)
    for member in range(MEMBERS):
        own = unstack(before, member), unstack(after, member), Batch(*(part[member] for part in batch))
        assert_near([value[..., member] for value in together], measured(*own, stacked=False))


@pytest.mark.parametrize("family", FAMILIES)
def test_interactions_of_all_sets_of_layers_make_up_the_joint_drop(
    random_networks: RandomNetworks, family: str
) -> None:
    network, before = example(random_networks, family, depth=2)
    after, batch = moved_anyhow(before, 0.5), random_batch()
    layers = [*layers_by_name(network).values()]
    measured = drops(network, before, after, *batch, stacked=True)
    for member in range(MEMBERS):
        old, new = unstack(before, member), unstack(after, member)
        own = Batch(*(part[member] for part in batch))
        losses = {
            moved: whole_loss(network, mixed(old, new, [layers[place] for place in moved]), own)
            for moved in subsets((0, 1, 2))
        }
        interactions = [
            sum(
                (-1) ** (len(whole) - len(part)) * (losses[()] - losses[part]).item()
                for part in subsets(whole)
            )
            for whole in losses
            if len(whole) > 1
        ]
        joint, single = measured.joint[member].item(), measured.single[:, member].sum().item()
        assert joint - single == pytest.approx(sum(interactions), abs=1e-12)
        assert min(map(abs, interactions)) > 1e-4


def subsets(places: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [part for size in range(len(places) + 1) for part in combinations(places, size)]


@settings(max_examples=40)
@given(
    weights=st.lists(st.floats(0.5, 2) | st.floats(-2, -0.5), min_size=1, max_size=6),
    size=st.floats(1e-3, 1),
)
def test_linear_chain_in_closed_form(weights: list[float], size: float) -> None:
    # Goodfellow et al. 2016, section 8.7: y = w1 ... wl, and y itself is descended
    network = nn.Sequential(*(nn.Linear(1, 1, bias=False, dtype=torch.double) for _ in weights))
    before = {f"{place}.weight": torch.tensor([[w]]).double() for place, w in enumerate(weights)}
    w = torch.tensor(weights).double()
    y = w.prod()
    after = {name: value - size * slope for (name, value), slope in zip(before.items(), y / w, strict=True)}
    inputs, labels = torch.ones(1, 1).double(), torch.zeros(1)
    measured = drops(network, before, after, inputs, labels, lambda outputs, labels: outputs.mean())
    factors = 1 - size * y / w**2
    scale = 1 + (y.abs() * factors.abs().clamp(min=1).prod()).item()
    assert_close(measured.joint, y - y * factors.prod(), rtol=1e-9, atol=1e-9 * scale)
    # the output is linear in every layer, which has no curvature of its own: S is F
    assert_close(measured.single, size * (y / w) ** 2, rtol=1e-9, atol=1e-9 * scale)
    assert_close(measured.first_order, (size * (y / w) ** 2).sum(), rtol=1e-9, atol=1e-9 * scale)
    shift = covariate_shift(network, before, after, inputs, labels, lambda outputs, labels: outputs.mean())
    below = torch.cat([torch.ones(1).double(), factors.cumprod(0)[:-1]])
    scale = below.abs().max().item()
    assert_close(shift.relative, (1 - below).abs(), rtol=1e-9, atol=1e-9 * scale)
    clear = below.abs() > 1e-6 * scale
    assert_close(shift.cosine[clear], below.sign()[clear], rtol=0, atol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_small_steps_keep_the_promise_and_halves_break_it_half_as_much(
    random_networks: RandomNetworks, family: str
) -> None:
    network, before = example(random_networks, family)
    batch = random_batch()
    gradient = gradients(network, before, *batch, stacked=True)

    def shares(rate: float) -> Tensor:
        after = {name: value - rate * gradient[name] for name, value in before.items()}
        measured = drops(network, before, after, *batch, stacked=True)
        squares = gradient_norms(layers_by_name(network), gradient, stacked=True).square().sum(0)
        assert_close(measured.first_order, rate * squares, rtol=1e-6, atol=0)
        joint, single = measured.joint, measured.single.sum(0)
        return torch.stack([joint, single]) / measured.first_order

    broken = torch.stack([1 - shares(rate) for rate in (2e-5, 1e-5)])
    assert (broken.abs() < 2e-3).all()
    # each breach is linear in the rate but for a term of its square
    assert_close(broken[0] / broken[1], torch.full_like(broken[0], 2), rtol=0, atol=0.02)


@pytest.mark.parametrize("family", FAMILIES)
def test_first_order_is_the_slope_of_the_loss_along_the_step(
    random_networks: RandomNetworks, family: str
) -> None:
    network, before = example(random_networks, family)
    after, batch = moved_anyhow(before), random_batch()
    losses = []
    for share in (-1e-4, 1e-4):
        place = {name: torch.lerp(value, after[name], share) for name, value in before.items()}
        losses.append(drops(network, before, place, *batch, stacked=True).joint)
    slope = (losses[1] - losses[0]) / 2e-4
    found = drops(network, before, after, *batch, stacked=True).first_order
    assert_close(found, slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_shifts_or_drifts_below_the_first_layer(random_networks: RandomNetworks, family: str) -> None:
    network, before = example(random_networks, family)
    after, batch = moved_anyhow(before), random_batch()
    shift = covariate_shift(network, before, after, *batch, stacked=True)
    assert shift.relative[0].tolist() == [0] * MEMBERS
    assert shift.cosine[0].tolist() == [1] * MEMBERS
    assert (shift.relative[1:] > 1e-3).all()
    assert (shift.cosine[1:] < 1).all()
    drift = input_drift(network, before, after, batch.inputs, stacked=True)
    assert drift[0].tolist() == [0] * MEMBERS
    assert (drift[1:] > 1e-3).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_step_changes_nothing(random_networks: RandomNetworks, family: str) -> None:
    network, before = example(random_networks, family)
    batch = random_batch()
    measured = drops(network, before, before, *batch, stacked=True)
    assert not any(value.any() for value in (measured.joint, measured.single, measured.first_order))
    shift = covariate_shift(network, before, before, *batch, stacked=True)
    assert_close(shift.relative, torch.zeros_like(shift.relative), rtol=0, atol=1e-12)
    assert_close(shift.cosine, torch.ones_like(shift.cosine), rtol=0, atol=1e-12)
    assert not input_drift(network, before, before, batch.inputs, stacked=True).any()
    assert not movement(layers_by_name(network), before, before, stacked=True).any()


@pytest.mark.parametrize("family", FAMILIES)
def test_drift_and_movement_and_norms_by_hand(random_networks: RandomNetworks, family: str) -> None:
    network, before = example(random_networks, family)
    after, batch = moved_anyhow(before), random_batch()
    named = layers_by_name(network)
    layers = [*named.values()]
    drift = input_drift(network, before, after, batch.inputs, stacked=True)
    moved = movement(named, before, after, stacked=True)
    norms = gradient_norms(named, gradients(network, before, *batch, stacked=True), stacked=True)
    hidden = [*network.get_submodule("hidden").children()]
    # what enters each hidden layer; then what leaves the last
    seen: list[Tensor] = []
    handles = [layer.register_forward_pre_hook(lambda _, x: seen.append(x[0])) for layer in hidden]
    handles.append(hidden[-1].register_forward_hook(lambda _, x, y: seen.append(y)))
    for member in range(MEMBERS):
        own = Batch(*(part[member] for part in batch))
        old, new = unstack(before, member), unstack(after, member)
        seen.clear()
        for parameters in (old, new):
            functional_call(network, parameters, (own.inputs,))
        pairs = zip(seen[: len(layers)], seen[len(layers) :], strict=True)
        expected = [(other - one).norm() / one.norm() for one, other in pairs]
        assert_near(drift[:, member], torch.stack(expected))
        change = difference(new, old)
        relative = [vector(change, layer).norm() / vector(old, layer).norm() for layer in layers]
        assert_near(moved[:, member], torch.stack(relative))
        gradient = whole_gradient(network, old, own)
        assert_near(norms[:, member], torch.stack([vector(gradient, layer).norm() for layer in layers]))
    for handle in handles:
        handle.remove()


def test_one_layer_has_no_other_to_chase() -> None:
    network = nn.Sequential(nn.Linear(5, 4))
    before = {name: value.detach() for name, value in network.named_parameters()}
    after = moved_anyhow(before, 1.0)
    inputs, labels = torch.randn(BATCH, 5), torch.randint(4, (BATCH,))
    measured = drops(network, before, after, inputs, labels)
    assert torch.equal(measured.single.sum(0), measured.joint)
    assert measured.joint != 0
    shift = covariate_shift(network, before, after, inputs, labels)
    assert (shift.relative.tolist(), shift.cosine.tolist()) == ([0], [1])
    assert input_drift(network, before, after, inputs).tolist() == [0]


def binary_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    return F.binary_cross_entropy(outputs[..., 0], labels)


@pytest.mark.parametrize("optimiser", [torch.optim.SGD, torch.optim.Adam])
def test_a_network_of_ones_own_under_any_optimiser(optimiser: Callable[..., torch.optim.Optimizer]) -> None:
    network = nn.Sequential(
        nn.Linear(5, 10), nn.BatchNorm1d(10), nn.ReLU(inplace=True), nn.Linear(10, 1), nn.Sigmoid()
    ).double()
    layers = [["0.weight", "0.bias"], ["1.weight", "1.bias"], ["3.weight", "3.bias"]]
    batch = Batch(torch.randn(BATCH, 5).double(), torch.randint(2, (BATCH,)).double())
    before = deepcopy(own_parameters(network))
    stepper = optimiser(network.parameters(), lr=0.1)
    torch.autograd.backward(binary_loss(network(batch.inputs), batch.labels))
    stepper.step()
    after, kept, given_inputs = own_parameters(network), deepcopy(network), batch.inputs.clone()

    measured = drops(network, before, after, *batch, binary_loss)
    covariate_shift(network, before, after, *batch, binary_loss)
    input_drift(network, before, after, batch.inputs)
    gradients(network, before, *batch, binary_loss)
    assert measured.joint.shape == ()
    assert not any(value.requires_grad for value in measured)
    assert_close(network.state_dict(), kept.state_dict(), rtol=0, atol=0)
    assert torch.equal(batch.inputs, given_inputs)
    assert network.training
    assert_drops(network, layers, before, after, batch, binary_loss)
    assert_shift(network, layers, before, after, batch, binary_loss)


def own_parameters(network: nn.Module) -> Parameters:
    """As a user has them at hand: the leaves themselves."""
    return {name: value for name, value in network.named_parameters()}  # noqa: C416 (a dict of tensors)


def test_layers_that_begin_in_place_see_the_same_inputs() -> None:
    def blocks(inplace: bool) -> nn.Sequential:
        torch.manual_seed(0)
        made = [nn.Sequential(nn.LeakyReLU(0.5, inplace), nn.Linear(5, 5)) for _ in range(3)]
        return nn.Sequential(*made).double()

    networks = [blocks(inplace) for inplace in (False, True)]
    before = {name: value.detach() for name, value in networks[0].named_parameters()}
    after, inputs, labels = moved_anyhow(before), torch.randn(BATCH, 5).double(), torch.randint(5, (BATCH,))
    for measure in (drops, covariate_shift):
        one, other = (measure(network, before, after, inputs.clone(), labels) for network in networks)
        assert_close(one, other, rtol=0, atol=0)


def test_images_through_convolutions() -> None:
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.Flatten(), nn.Linear(32, 4)
    ).double()
    layers = [["0.weight", "0.bias"], ["1.weight", "1.bias"], ["4.weight", "4.bias"]]
    before = {name: value.detach() for name, value in network.named_parameters()}
    batch = Batch(torch.randn(BATCH, 1, 6, 6).double(), torch.randint(4, (BATCH,)))
    after = moved_anyhow(before)
    assert_drops(network, layers, before, after, batch, F.cross_entropy)
    assert_shift(network, layers, before, after, batch, F.cross_entropy)
    assert input_drift(network, before, after, batch.inputs).shape == (3,)


def dead_network() -> tuple[nn.Module, Parameters, Tensor, Tensor]:
    """Rectifiers that never fire: neither their outputs nor gradients are other than zero."""
    network = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))
    before = {name: torch.zeros_like(value) for name, value in network.named_parameters()}
    before["0.bias"] -= 1
    return network, before, torch.randn(BATCH, 5), torch.randint(4, (BATCH,))


def test_what_is_undefined_is_nan() -> None:
    network, before, inputs, labels = dead_network()
    # in its new place the first layer is alive, so that ratios would be infinite
    after = before | {"0.bias": torch.ones(6), "2.weight": torch.ones(4, 6)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shift = covariate_shift(network, before, after, inputs, labels)
        drift = input_drift(network, before, after, inputs)
        moved = movement(layers_of(network, inputs), before, after)
        zero = input_drift(network, before, after, 0 * inputs)
    assert shift.relative.isnan().tolist() == shift.cosine.isnan().tolist() == [True, False]
    assert drift.isnan().tolist() == [False, True]
    assert moved.isnan().tolist() == [False, True]
    assert zero.isnan().tolist() == [True, True]


def test_gradients_whose_squares_vanish_in_single_precision_still_have_norms() -> None:
    network = nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 4))
    before = {name: value.detach() for name, value in network.named_parameters()}
    before["1.weight"] = 1e-25 * before["1.weight"]
    after = moved_anyhow(before, 1e-3)
    inputs, labels = torch.randn(BATCH, 5), torch.randint(4, (BATCH,))
    shift = covariate_shift(network, before, after, inputs, labels)
    assert shift.relative.isfinite().all()
    assert shift.cosine[0] == 1
    norms = gradient_norms(layers_of(network, inputs), gradients(network, before, inputs, labels))
    assert 0 < norms[0] < 1e-24


def test_a_diverged_member_is_nan_and_no_other_feels_it(random_networks: RandomNetworks) -> None:
    network, before = example(random_networks, "batch-norm")
    after, batch = moved_anyhow(before), random_batch()
    spoilt = {name: value.clone() for name, value in before.items()}
    spoilt["hidden.0.linear.weight"][1, 0, 0] = torch.nan
    clean, sick = (
        [
            *drops(network, old, after, *batch, stacked=True),
            *covariate_shift(network, old, after, *batch, stacked=True),
            input_drift(network, old, after, batch.inputs, stacked=True)[1:],
        ]
        for old in (before, spoilt)
    )
    for one, other in zip(clean, sick, strict=True):
        assert torch.equal(one[..., [0, 2]], other[..., [0, 2]])
        assert other[..., 1].isnan().all()


@pytest.mark.parametrize("family", ["batch-norm", "residual-batch-norm"])
def test_batch_norm_needs_two_examples(random_networks: RandomNetworks, family: str) -> None:
    network, before = example(random_networks, family)
    batch = random_batch(size=1)
    for measure in (drops, covariate_shift):
        with pytest.raises(ValueError, match="batch norm needs a batch of at least 2 while training, got 1"):
            measure(network, before, before, *batch, stacked=True)


def test_a_layer_that_is_used_twice_is_one() -> None:
    layer = nn.Linear(4, 4)
    network = nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), nn.Linear(4, 4)).double()
    before = {name: value.detach() for name, value in network.named_parameters()}
    after, batch = moved_anyhow(before), Batch(torch.randn(BATCH, 4).double(), torch.randint(4, (BATCH,)))
    layers = [["0.weight", "0.bias"], ["4.weight", "4.bias"]]
    assert_drops(network, layers, before, after, batch, F.cross_entropy)
    assert_shift(network, layers, before, after, batch, F.cross_entropy)
