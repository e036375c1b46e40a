import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import call, stack, unstack
from movingtarget.networks.chain import chain, propagate
from movingtarget.networks.convolution import Convolution, convolutional_chain
from movingtarget.networks.initialise import initialise
from movingtarget.networks.losses import differentiate
from movingtarget.training.interface import forward_flops

SIDE, CHANNELS, CLASSES, MEMBERS, BATCH = 7, [4, 5], 3, 3, 6


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
    kernels = layer.weight.view(-1, layer.inputs, 3, 3)
    values = []
    for kernel, bias in zip(kernels, layer.bias, strict=True):
        for row in range(0, layer.side, 2):
            for column in range(0, layer.side, 2):
                total = bias.item()
                for channel in range(layer.inputs):
                    for down in range(3):
                        for right in range(3):
                            y, x = row + down - 1, column + right - 1
                            if 0 <= y < layer.side and 0 <= x < layer.side:
                                total += (kernel[channel, down, right] * maps[channel, y, x]).item()
                values.append(total)
    return values


@pytest.mark.parametrize("side", [6, 7])
def test_every_value_is_that_of_its_patch(side: int) -> None:
    layer = Convolution(side, 2, 3).double()
    image = torch.randn(2 * side**2, dtype=torch.double)
    torch.testing.assert_close(layer(image[None])[0].tolist(), one_by_one(layer, image))
    assert layer.places == (4 if side == 7 else 3) ** 2


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
