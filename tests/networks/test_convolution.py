from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.measures.capture import capture
from movingtarget.measures.curvature import block_curvatures
from movingtarget.measures.gradient_correlation import gradient_correlation, layer_gradients
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.moving_target import covariate_shift, drops, input_drift
from movingtarget.measures.second_order import prices
from movingtarget.networks import Architecture, Parameters, build, build_random, call, stack, unstack
from movingtarget.networks.chain import chain, hidden_layers, propagate
from movingtarget.networks.convolution import Convolution, WrappedConvolution, convolutional_chain
from movingtarget.networks.initialise import initialise
from movingtarget.networks.losses import differentiate
from movingtarget.training.affine import linear_layers
from movingtarget.training.freezing import freeze_in_order
from movingtarget.training.greedy import greedy
from movingtarget.training.interface import Batch, UpdateRule, forward_flops
from movingtarget.training.locoprop import locoprop_by_descent
from movingtarget.training.muon import muon
from movingtarget.training.sequential import recomputed
from movingtarget.training.simultaneous import simultaneous

SIDE, CHANNELS, CLASSES, MEMBERS, BATCH = 7, [4, 5], 3, 3, 6
LAYERS = ("hidden.0.linear", "hidden.1.linear", "hidden.2.linear", "head")


def networks() -> list[nn.Module]:
    made = [convolutional_chain(SIDE, CHANNELS, CLASSES, "relu") for _ in range(MEMBERS)]
    for seed, network in enumerate(made):
        initialise(network, seed, "relu", random_biases=True).double()
    return made


def inputs(*shape: int) -> Tensor:
    source = torch.Generator().manual_seed(0)
    return torch.randn(*shape, SIDE**2, dtype=torch.double, generator=source)


def one_by_one(layer: Convolution, image: Tensor) -> list[float]:
    """A map's values by a loop over places and a sum over the pixels of a patch, zero beyond the border."""
    maps = image.view(layer.inputs, layer.side, layer.side)
    kernels = layer.weight.view(-1, layer.inputs, layer.kernel, layer.kernel)
    starts = range(-layer.padding, layer.side + layer.padding - layer.kernel + 1, layer.stride)
    values = []
    for kernel, bias in zip(kernels, layer.bias, strict=True):
        for row in starts:
            for column in starts:
                total = bias.item()
                for channel in range(layer.inputs):
                    for down in range(layer.kernel):
                        for right in range(layer.kernel):
                            y, x = row + down, column + right
                            if 0 <= y < layer.side and 0 <= x < layer.side:
                                total += (kernel[channel, down, right] * maps[channel, y, x]).item()
                values.append(total)
    return values


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "padding", "above"),
    [(6, 3, 2, 1, 3), (7, 3, 2, 1, 4), (4, 3, 1, 1, 4), (8, 2, 2, 0, 4), (4, 1, 1, 0, 4), (9, 4, 3, 2, 4)],
)
def test_every_value_is_that_of_its_patch(
    side: int, kernel: int, stride: int, padding: int, above: int
) -> None:
    layer = Convolution(side, 2, 3, kernel, stride, padding).double()
    image = torch.randn(2 * side**2, dtype=torch.double)
    torch.testing.assert_close(layer(image[None])[0].tolist(), one_by_one(layer, image))
    assert (layer.side_above, layer.places) == (above, above**2)


def test_a_stack_does_what_its_members_do() -> None:
    members = networks()
    parameters = stack(members)
    own, shared = inputs(MEMBERS, BATCH), inputs(BATCH)
    for member, network in enumerate(members):
        torch.testing.assert_close(call(members[0], parameters, own)[member], network(own[member]))
        torch.testing.assert_close(call(members[0], parameters, shared)[member], network(shared))
    several = inputs(2, 4, BATCH)
    torch.testing.assert_close(members[0](several)[1, 2], members[0](several[1, 2]))


def test_gradients_are_those_of_each_member_alone() -> None:
    members, own = networks(), inputs(MEMBERS, BATCH)
    _, together = differentiate(
        lambda leaves: call(members[0], leaves, own).square().mean((-2, -1)), stack(members)
    )
    for member, network in enumerate(members):
        network(own[member]).square().mean().backward()
        alone = {name: value.grad for name, value in network.named_parameters()}
        torch.testing.assert_close(unstack(together, member), alone)


def test_it_is_a_chain_of_its_layers() -> None:
    members, own = networks(), inputs(MEMBERS, BATCH)
    links = chain(members[0])
    assert [len(link.names) for link in links] == [2] * (len(CHANNELS) + 1)
    parameters = stack(members)
    torch.testing.assert_close(propagate(links, parameters, own), call(members[0], parameters, own))


def test_weights_have_the_variance_of_their_fan_in() -> None:
    network = initialise(convolutional_chain(8, [16, 64], 2, "relu"), 0, "relu")
    # of 9216 weights the variance has a relative standard error of 0.015
    assert network.get_parameter("2.weight").var().item() == pytest.approx(2 / (9 * 16), rel=0.06)


def test_flops_are_what_torch_counts() -> None:
    network, batch = networks()[0], inputs(BATCH)
    with FlopCounterMode(display=False) as counter:
        network(batch)
    assert forward_flops(network, BATCH) == counter.get_total_flops()


def test_it_is_what_torchs_own_layers_compute() -> None:
    network = networks()[0]
    weights = [value for name, value in network.named_parameters() if name.endswith("weight")]
    biases = [value for name, value in network.named_parameters() if name.endswith("bias")]
    maps = inputs(BATCH).view(BATCH, 1, SIDE, SIDE)
    for weight, bias in zip(weights[:-1], biases, strict=False):
        maps = F.conv2d(maps, weight.view(len(weight), -1, 3, 3), bias, stride=2, padding=1).relu()
    torch.testing.assert_close(network(inputs(BATCH)), F.linear(maps.flatten(1), weights[-1], biases[-1]))


@pytest.mark.parametrize(("side", "channels"), [(3, 2), (4, 3), (5, 1)])
def test_wrapped_convolutions_of_a_stack_are_torchs_of_each_member(side: int, channels: int) -> None:
    layer = WrappedConvolution(side, channels).double()
    source = torch.Generator().manual_seed(0)
    weights = torch.randn(MEMBERS, channels, 9 * channels, dtype=torch.double, generator=source)
    biases = torch.randn(MEMBERS, channels, dtype=torch.double, generator=source)
    flat = torch.randn(MEMBERS, BATCH, layer.features, dtype=torch.double, generator=source)
    for shared in (False, True):
        given = flat[0] if shared else flat
        found = functional_call(layer, {"weight": weights, "bias": biases}, (given,))
        for member in range(MEMBERS):
            maps = (flat[0] if shared else flat[member]).view(BATCH, channels, side, side)
            wrapped = F.pad(maps, (1, 1, 1, 1), mode="circular")
            kernels = weights[member].view(channels, channels, 3, 3)
            expected = F.conv2d(wrapped, kernels, biases[member]).flatten(1)
            torch.testing.assert_close(found[member], expected)


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_deep_networks_of_patches_keep_their_variance(activation: str) -> None:
    """Over many inputs and networks: a border of zeros would leave 0.69^14 = 0.005 of it."""
    deep = replace(PATCHES, width=256, depth=16, activation=activation)
    sizes = []
    for seed in range(20):
        network = build_random(deep, seed)
        with torch.no_grad(), capture(hidden_layers(network), lambda _, output: output) as seen:
            network(batch_of(1).inputs[0].float())
        first, *_, last = seen.values()
        sizes.append((last.square().mean() / first.square().mean()).item())
    assert 0.5 < sum(sizes) / len(sizes) < 2


PATCHES = Architecture("patch-convolution", inputs=64, width=32, depth=3, outputs=CLASSES)
RULES: dict[str, UpdateRule] = {
    "simultaneous": simultaneous,
    "forward": recomputed("forward"),
    "locoprop": locoprop_by_descent(3, 0.5),
    "freezing": freeze_in_order(4),
    "muon": muon,
    "greedy": greedy(4),
}


def of_patches(activation: str = "tanh") -> list[nn.Module]:
    made = [build(replace(PATCHES, activation=activation)) for _ in range(MEMBERS)]
    return [
        initialise(network, seed, activation, random_biases=True).double()
        for seed, network in enumerate(made)
    ]


def batch_of(members: int, pixels: int = 64) -> Batch:
    source = torch.Generator().manual_seed(1)
    images = torch.randn(members, BATCH, pixels, dtype=torch.double, generator=source)
    return Batch(images, torch.arange(members * BATCH).view(members, BATCH) % CLASSES)


@pytest.mark.parametrize(("activation", "function"), {"relu": torch.relu, "tanh": torch.tanh}.items())
@pytest.mark.parametrize("side", [4, 8, 28])
def test_patches_are_what_torchs_own_layers_compute(
    side: int, activation: str, function: Callable[[Tensor], Tensor]
) -> None:
    network = build(replace(PATCHES, inputs=side**2, activation=activation))
    initialise(network, 0, activation, random_biases=True).double()
    first, second, third, weight = (network.get_parameter(f"{name}.weight") for name in LAYERS)
    biases = [network.get_parameter(f"{name}.bias") for name in LAYERS]
    images, patch = batch_of(1, side**2).inputs[0], side // 4
    maps = F.conv2d(images.view(BATCH, 1, side, side), first.view(2, 1, patch, patch), biases[0], patch)
    for weight_of_layer, bias in ((second, biases[1]), (third, biases[2])):
        wrapped = F.pad(function(maps), (1, 1, 1, 1), mode="circular")
        maps = F.conv2d(wrapped, weight_of_layer.view(2, 2, 3, 3), bias)
    expected = F.linear(function(maps).flatten(1), weight, biases[3])
    torch.testing.assert_close(network(images), expected)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_every_hidden_layer_of_patches_has_the_units_of_other_families(activation: str, depth: int) -> None:
    network = build_random(replace(PATCHES, depth=depth, activation=activation), 0)
    layers = hidden_layers(network)
    with torch.no_grad(), capture(layers, lambda _, output: output.shape) as shapes:
        assert network(torch.randn(BATCH, 64)).shape == (BATCH, CLASSES)
    assert shapes == {f"hidden.{place}": (BATCH, 32) for place in range(depth)}


def test_patches_are_a_chain_of_their_layers() -> None:
    members = of_patches()
    links, parameters, inputs = chain(members[0]), stack(members), batch_of(MEMBERS).inputs
    assert [link.names["weight"] for link in links] == [f"{name}.weight" for name in LAYERS]
    torch.testing.assert_close(propagate(links, parameters, inputs), call(members[0], parameters, inputs))


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_stack_of_patches_trains_as_its_members_alone(rule: UpdateRule) -> None:
    members, batch, rates = of_patches(), batch_of(MEMBERS), torch.tensor([0.5, 0.1, 0.02]).double()
    together, before = rule(members[0], stack(members), batch, {}, rates), stack(members)
    for member, network in enumerate(members):
        own = Batch(batch.inputs[member][None], batch.labels[member][None])
        alone = rule(network, stack([network]), own, {}, rates[member][None])
        assert alone.loss[0].item() == pytest.approx(together.loss[member].item())
        torch.testing.assert_close(unstack(alone.parameters, 0), unstack(together.parameters, member))
    assert not torch.equal(together.parameters["head.weight"], before["head.weight"])


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("name", ["simultaneous", "locoprop"])
def test_a_step_of_patches_costs_what_torch_counts(name: str, depth: int) -> None:
    network = initialise(build(replace(PATCHES, depth=depth)), 0, "relu").double()
    with FlopCounterMode(display=False) as counter:
        outcome = RULES[name](network, stack([network]), batch_of(1), {}, torch.tensor([0.1]).double())
    assert outcome.cost.flops == counter.get_total_flops()


def test_measures_of_a_stack_of_patches_are_those_of_its_members() -> None:
    members, (inputs, labels) = of_patches(), batch_of(MEMBERS)
    before = stack(members)
    after = {name: 0.9 * value for name, value in before.items()}
    together = measured(members[0], before, after, inputs, labels, stacked=True)
    for member, network in enumerate(members):
        own = unstack(before, member), unstack(after, member), inputs[member], labels[member]
        for whole, alone in zip(together, measured(network, *own, stacked=False), strict=True):
            torch.testing.assert_close(whole[..., member], alone, rtol=1e-6, atol=1e-9)


def measured(
    network: nn.Module,
    before: Parameters,
    after: Parameters,
    inputs: Tensor,
    labels: Tensor,
    *,
    stacked: bool,
) -> list[Tensor]:
    """Of a step, and of gradients of the inputs and the hidden layers, members last."""
    by_layer = layer_gradients(network, before, inputs, hidden_layers(network), stacked=stacked)
    of_layers = [
        gradient_correlation(gradient, stacked=stacked).correlation for gradient in by_layer.values()
    ]
    assert len(of_layers) == 3
    return [
        *drops(network, before, after, inputs, labels, stacked=stacked),
        *covariate_shift(network, before, after, inputs, labels, stacked=stacked),
        *prices(network, before, after, inputs, labels, stacked=stacked),
        *block_curvatures(network, before, inputs, labels, 20, 20, seed=0, stacked=stacked),
        input_drift(network, before, after, inputs, stacked=stacked),
        input_gradients(network, before, batch_of(1).inputs[0], stacked=stacked).sum((-2, -1)),
        *of_layers,
    ]


def test_rules_of_affine_maps_refuse_convolutions() -> None:
    with pytest.raises(ValueError, match=r"layer 0 .* is Convolution; allowed: Linear alone"):
        linear_layers(of_patches()[0])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"width": 24}, "width is 24; allowed in convolutions of patches: multiples of 16"),
        ({"inputs": 60}, "images have 60 pixels; allowed in convolutions of patches: square images"),
        ({"inputs": 49}, "images have 49 pixels; .*square images with a side that is a multiple of 4"),
        ({"depth": 0}, "depth is 0; allowed: at least 1"),
    ],
)
def test_sizes_that_patches_do_not_fit(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        build(replace(PATCHES, **changes))
