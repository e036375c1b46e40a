"""A loss as a function of parameters: the shortcut through a chain, and what is said of bad input."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.testing import assert_close

from movingtarget.measures.curvature import block_curvatures
from movingtarget.measures.moving_target import covariate_shift, drops, gradients, input_drift
from movingtarget.measures.objective import both, complete, objective
from movingtarget.measures.second_order import prices
from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.losses import class_loss

Networks = Callable[..., list[nn.Module]]


def small() -> tuple[nn.Module, Parameters, Tensor, Tensor]:
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    parameters = {name: value.detach().clone() for name, value in network.named_parameters()}
    return network, parameters, torch.randn(6, 3).double(), torch.arange(6) % 3


MEASURES: dict[str, Callable[..., Any]] = {
    "drops": lambda network, parameters, *rest, **more: drops(network, parameters, parameters, *rest, **more),
    "covariate_shift": lambda network, parameters, *rest, **more: covariate_shift(
        network, parameters, parameters, *rest, **more
    ),
    "input_drift": lambda network, parameters, inputs, labels, loss=None, **more: input_drift(
        network, parameters, parameters, inputs, **more
    ),
    "gradients": lambda network, parameters, inputs, labels, loss=None, *, layers=None: gradients(
        network, parameters, inputs, labels, loss
    ),
    "prices": lambda network, parameters, *rest, **more: prices(
        network, parameters, parameters, *rest, **more
    ),
    "block_curvatures": lambda network, parameters, inputs, labels, loss=None, **more: block_curvatures(
        network, parameters, inputs, labels, 3, 3, 0, loss, **more
    ),
}
WITH_LAYERS = [name for name in MEASURES if name != "gradients"]
WITH_LOSS = [name for name in MEASURES if name != "input_drift"]


def said_of(measure: str, *arguments: Any, **more: Any) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        MEASURES[measure](*arguments, **more)
    return str(caught.value)


@pytest.mark.parametrize("measure", MEASURES)
def test_parameters_that_are_none(measure: str) -> None:
    network, parameters, *batch = small()
    weight = parameters["0.weight"]
    known = "0.weight, 0.bias, 2.weight, 2.bias"
    for given, line in [
        ({"0.wieght": weight}, f"parameter '0.wieght' is unknown (did you mean 0.weight?); allowed: {known}"),
        (
            {"0.weight": weight.mT},
            "parameter '0.weight' is 3x4; allowed: 4x3, as the network's own, or stacked=True for a stack",
        ),
        (
            {"0.bias": torch.ones(2, 4)},
            "parameter '0.bias' is 2x4; allowed: 4, as the network's own, or stacked=True for a stack",
        ),
        ({"0.bias": [1, 2]}, "parameter '0.bias' is list; allowed: a tensor of real numbers"),
        (
            {"0.bias": torch.ones(4) * 1j},
            "parameter '0.bias' is torch.complex64; allowed: a tensor of real numbers",
        ),
        (
            network.named_parameters(),
            "parameters are generator; allowed: tensors by name, such as dict(network.named_parameters())",
        ),
    ]:
        assert said_of(measure, network, given, *batch) == line
    bare = "Tanh has no parameters; allowed: at least one layer with some"
    assert said_of(measure, nn.Tanh(), {}, *batch) == bare


@pytest.mark.parametrize("measure", WITH_LAYERS)
def test_layers_that_are_none(measure: str) -> None:
    arguments = small()
    for given, line in [
        (["0", "3"], "layer '3' is unknown; allowed: '' (the whole), 0, 1, 2"),
        ("02", "layers are '02'; allowed: a list of parts, or parameters by layer"),
        ([], "layers are []; allowed: a list of parts, or parameters by layer"),
        ({"0": []}, "layer '0' has no parameters; allowed: at least one"),
    ]:
        assert said_of(measure, *arguments, layers=given) == line


@pytest.mark.parametrize("measure", WITH_LOSS)
def test_losses_and_labels_that_are_none(measure: str) -> None:
    network, parameters, inputs, labels = small()
    other = ", or a loss of your own for others"
    for given, line in [
        (labels[:, None], f"labels are int64 (6, 1) for outputs (6, 3); allowed: whole numbers (6,){other}"),
        (labels.float(), f"labels are float32 (6,) for outputs (6, 3); allowed: whole numbers (6,){other}"),
        (
            None,
            "outputs and labels are Tensor and NoneType; allowed: tensors, or a loss of your own for them",
        ),
    ]:
        assert said_of(measure, network, parameters, inputs, given) == line
    for loss, line in [
        (
            lambda outputs, _: outputs.sum(1),
            "the loss returned shape (6,); allowed: a single number, such as their mean "
            "(of a stack of members, say stacked=True)",
        ),
        (lambda *_: 1.0, "the loss returned float; allowed: a tensor of one real number"),
        (
            lambda outputs, labels: (outputs.argmax(1) == labels).sum(),
            "the loss returned torch.int64; allowed: a tensor of one real number",
        ),
    ]:
        assert said_of(measure, network, parameters, inputs, labels, loss) == line


def test_a_loss_of_one_number_in_an_axis_is_that_number() -> None:
    network, parameters, inputs, labels = small()
    found = gradients(network, parameters, inputs, labels, lambda outputs, _: outputs.mean().reshape(1, 1))
    assert_close(found["2.bias"], torch.full((3,), 1 / 3).double())


@pytest.mark.parametrize("measure", MEASURES)
def test_inputs_that_the_network_refuses_are_its_own_matter(measure: str) -> None:
    network, parameters, inputs, labels = small()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        MEASURES[measure](network, parameters, inputs[:, :2], labels)


def test_a_stack_is_all_there(random_networks: Networks) -> None:
    networks, batch = random_networks("plain", 2), (torch.randn(2, 6, 5), torch.arange(12).view(2, 6) % 4)
    parameters = stack(networks)
    lacking = {name: value for name, value in parameters.items() if name != "head.bias"}
    with pytest.raises(ValueError, match=r"^parameter 'head.bias' is not given; allowed: all of a stack's$"):
        complete(networks[0], lacking, stacked=True)
    with pytest.raises(
        ValueError, match=r"^parameter 'head.bias' is 4; allowed: members x 4, as the network's own"
    ):
        complete(networks[0], parameters | {"head.bias": torch.ones(4)}, stacked=True)
    with pytest.raises(ValueError, match=r"^the loss returned shape \(\); allowed: \(members,\)$"):
        gradients(networks[0], parameters, *batch, lambda outputs, _: outputs.mean(), stacked=True)


def test_a_step_of_some_parameters_leaves_the_others() -> None:
    network, parameters, *_ = small()
    before, after = both(network, {}, {"0.bias": torch.ones(4)}, stacked=False)
    assert_close(before, parameters, rtol=0, atol=0)
    assert_close(after, parameters | {"0.bias": torch.ones(4)}, rtol=0, atol=0, check_dtype=False)


def test_shared_parameters_are_one_under_either_name() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    network[1].weight = network[0].weight
    found = complete(network, {"1.weight": torch.ones(2, 2)}, stacked=False)
    assert [*found] == ["0.weight", "0.bias", "1.bias"]
    assert found["0.weight"].tolist() == [[1, 1], [1, 1]]


def test_the_shortcut_through_a_chain_is_the_whole() -> None:
    class Whole(nn.Sequential):
        """Not known to be a chain."""

    parts = [nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.Linear(4, 3)]
    inputs, labels = torch.randn(6, 3), torch.arange(6) % 3
    found = []
    for network in (nn.Sequential(*parts), Whole(*parts)):
        parameters = complete(network, {}, stacked=False)
        with objective(network, parameters, inputs, labels, None, False, None) as of:
            above = of.above(parameters)
            assert (len({*map(id, above)}) == 1) == isinstance(network, Whole)
            assert [*of.layers] == ["0", "1", "3"]
            found.append([*(each(parameters) for each in (of.losses, *above)), *of.reached(parameters)])
    assert_close(*found)


def test_drift_of_blocks_of_a_stack_is_that_of_each_member(random_networks: Networks) -> None:
    networks, inputs = random_networks("residual", 2), torch.randn(2, 6, 5)
    before = stack(networks)
    after = {name: 0.9 * value for name, value in before.items()}
    layers = ["hidden.1", "hidden.2"]
    together = input_drift(networks[0], before, after, inputs, stacked=True, layers=layers)
    assert together.shape == (2, 2)
    for member in range(2):
        own = unstack(before, member), unstack(after, member), inputs[member]
        assert_close(together[:, member], input_drift(networks[0], *own, layers=layers), rtol=1e-5, atol=0)


def draws_a_pool() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 1, 1), nn.FractionalMaxPool2d(2, output_size=3), nn.Flatten(), nn.Linear(9, 3)
    ).eval()


def iterates() -> nn.Module:
    return nn.Sequential(nn.Flatten(), spectral_norm(nn.Linear(36, 4)), nn.Tanh(), nn.Linear(4, 3))


def replaced() -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    forward = network.forward
    vars(network)["forward"] = lambda inputs: forward(inputs) / 4
    return network


@pytest.mark.parametrize("make", [draws_a_pool, iterates, replaced])
def test_what_is_no_chain_though_it_looks_like_one(make: Callable[[], nn.Module]) -> None:
    network, inputs, labels = make(), torch.randn(6, 1, 6, 6), torch.arange(6) % 3
    start = {name: value.clone() for name, value in network.named_buffers()}
    found = drops(network, {}, {}, inputs, labels)
    assert not any(value.any() for value in (found.joint, found.single))
    assert_close(dict(network.named_buffers()), start, rtol=0, atol=0)
    torch.default_generator.manual_seed(0)
    assert_close(found.loss, F.cross_entropy(network(inputs), labels), check_dtype=False)


def test_inside_autocast_and_inference() -> None:
    network, parameters, inputs, labels = small()
    after = {name: 0.5 * value for name, value in parameters.items()}
    expected = drops(network, parameters, after, inputs, labels)
    curvature = block_curvatures(network, parameters, inputs, labels, 9, 9, 0)
    with torch.inference_mode():
        assert_close(drops(network, parameters, after, inputs, labels), expected)
        assert_close(block_curvatures(network, parameters, inputs, labels, 9, 9, 0), curvature)
    with torch.no_grad():
        assert_close(block_curvatures(network, parameters, inputs, labels, 9, 9, 0), curvature)
    before, moved = ({name: value.float() for name, value in each.items()} for each in (parameters, after))
    with torch.autocast("cpu", torch.bfloat16):
        found = drops(network.float(), before, moved, inputs.float(), labels)
        near = block_curvatures(network, before, inputs.float(), labels, 9, 9, 0)
    assert_close([*found], [*expected], rtol=0.05, atol=0.02, check_dtype=False)
    assert_close([*near], [*curvature], rtol=0.05, atol=0)


def test_on_a_device_without_values_there_are_shapes() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)).to("meta")
    parameters: Parameters = dict(network.named_parameters())
    batch = torch.empty(6, 3, device="meta"), torch.empty(6, dtype=torch.long, device="meta")
    shapes = {
        "drops": [(), (3,), (), (), (3,)],
        "covariate_shift": [(3,), (3,)],
        "input_drift": [()] * 3,
        "prices": [(3,), ()],
        "block_curvatures": [(), (3,), ()],
    }
    for measure, expected in shapes.items():
        found = MEASURES[measure](network, parameters, *batch)
        assert [tuple(value.shape) for value in found] == expected
    slopes = gradients(network, parameters, *batch)
    assert {name: value.shape for name, value in slopes.items()} == {
        name: value.shape for name, value in parameters.items()
    }


def test_class_loss_takes_further_axes_and_small_precision() -> None:
    outputs, labels = torch.randn(4, 3, 2), torch.randint(3, (4, 2))
    assert_close(class_loss(outputs, labels), F.cross_entropy(outputs, labels), rtol=0, atol=0)
    assert class_loss(outputs.half(), labels.int()).dtype == torch.float
