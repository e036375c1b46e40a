"""Measures of gradients on modules of all kinds, against one pass for each example in float64."""

from collections.abc import Callable, Mapping
from copy import copy
from itertools import pairwise
from typing import Any

import pytest
import torch
from module_cases import CASES, Case, case_of
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.gradient_correlation import gradient_correlation, layer_gradients
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.mutual_information import layer_information, successive_information
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters

every_case = pytest.mark.parametrize("name", CASES)


def of_example(inputs: Any, place: int) -> Any:
    """The same inputs of one example alone."""
    if isinstance(inputs, Tensor):
        return inputs[place : place + 1].clone()
    if isinstance(inputs, Mapping):
        return {name: of_example(value, place) for name, value in inputs.items()}
    return [of_example(value, place) for value in inputs] if isinstance(inputs, (tuple, list)) else inputs


def called(network: nn.Module, inputs: Any) -> Any:
    """What the network returns, called by hand."""
    if isinstance(inputs, Mapping):
        return network(**inputs)
    return network(*inputs) if isinstance(inputs, (tuple, list)) else network(inputs)


def floating(inputs: Any) -> dict[Any, Tensor]:
    """Inputs of real numbers by name or place."""
    named = (
        inputs
        if isinstance(inputs, Mapping)
        else dict(enumerate(inputs if isinstance(inputs, (tuple, list)) else [inputs]))
    )
    return {
        name: value
        for name, value in named.items()
        if isinstance(value, Tensor) and value.is_floating_point()
    }


def with_batch_statistics(case: Case) -> nn.Module:
    """The network in eval mode with the statistics of the whole batch in its batch norms, part by part."""
    network = case.network.eval()
    for norm in network.modules():
        if isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
            entering = what_enters(norm, network, case.inputs)
            axes = [axis for axis in range(entering.dim()) if axis != 1]
            norm.register_buffer("running_mean", entering.mean(axes))
            norm.register_buffer("running_var", entering.var(axes, correction=0))
    return network


def what_enters(part: nn.Module, network: nn.Module, inputs: Any) -> Tensor:
    """A part's input in one call of the network."""
    seen: list[Tensor] = []

    def keep(_: nn.Module, places: tuple[Tensor, ...], names: dict[str, Tensor]) -> None:
        seen.append(next(iter((*places, *names.values()))))

    handle = part.register_forward_pre_hook(keep, with_kwargs=True)
    with torch.no_grad():
        called(network, inputs)
    handle.remove()
    return seen[0]


def what_leaves(part: nn.Module, seen: list[Tensor]) -> Any:
    """A hook that keeps a part's output, to derive by."""

    def keep(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        seen.append(output if output.requires_grad else output.requires_grad_())
        return seen[0].clone()

    return part.register_forward_hook(keep)


def remembered(network: nn.Module) -> tuple[Any, ...]:
    """What must not change: values, modes, gradients, hooks and attributes."""
    return (
        {name: value.clone() for name, value in network.state_dict().items()},
        [part.training for part in network.modules()],
        [value.grad for value in network.parameters()],
        [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in network.modules()],
        [
            {key: id(value) for key, value in vars(part).items() if key != "training"}
            for part in network.modules()
        ],
        [copy(vars(part).get("calls")) for part in network.modules()],
        torch.get_rng_state(),
    )


def same(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool:
    """Whether nothing has changed."""
    values = all(torch.equal(value, second[0][name]) for name, value in first[0].items())
    return values and first[1:-1] == second[1:-1] and torch.equal(first[-1], second[-1])


@every_case
def test_input_gradients_are_those_of_one_example_after_the_other(name: str) -> None:
    case = case_of(name)
    if not floating(case.inputs):
        with pytest.raises(ValueError, match="take layer_gradients at the output of the embedding"):
            input_gradients(case.network, {}, case.inputs)
        return
    found, network = input_gradients(case.network, {}, case.inputs), with_batch_statistics(case)
    for key, gradients in floating(found).items():
        for place, gradient in enumerate(gradients):
            inputs = of_example(case.inputs, place)
            leaf = floating(inputs)[key].requires_grad_()
            (expected,) = torch.autograd.grad(called(network, inputs).sum(), leaf)
            assert_close(gradient, expected[0], rtol=0, atol=1e-11)
    assert floating(found).keys() == floating(case.inputs).keys()


@every_case
def test_layer_gradients_are_those_of_one_example_after_the_other(name: str) -> None:
    case = case_of(name)
    network = with_batch_statistics(case)
    found = layer_gradients(network, dict(network.named_parameters()), case.inputs, case.parts)
    assert list(found) == list(case.parts)
    for key, part in case.parts.items():
        for place, gradient in enumerate(found[key]):
            seen: list[Tensor] = []
            handle = what_leaves(part, seen)
            outputs = called(network, of_example(case.inputs, place))
            handle.remove()
            (expected,) = torch.autograd.grad(outputs.sum(), seen[0], materialize_grads=True)
            assert_close(gradient, expected[0], rtol=0, atol=1e-11)


@every_case
def test_other_parameters_than_its_own(name: str) -> None:
    case = case_of(name)
    network = with_batch_statistics(case)
    others = {key: value.detach() * 1.5 for key, value in network.named_parameters()}
    found = layer_gradients(network, others, case.inputs, case.parts)
    with torch.no_grad():
        for key, value in network.named_parameters():
            value.copy_(others[key])
    expected = layer_gradients(network, {}, case.inputs, case.parts)
    assert_close(found, expected, rtol=0, atol=1e-12)


@every_case
@pytest.mark.parametrize("fails", [False, True])
def test_network_and_random_state_are_as_before(name: str, fails: bool) -> None:
    case = case_of(name)
    for part in case.network.modules():
        part.register_forward_hook(lambda *_: None)
    broken = case.network.register_forward_hook(_failing) if fails else None
    before = remembered(case.network)
    measures: list[Callable[[], Any]] = [
        lambda: input_gradients(case.network, {}, case.inputs),
        lambda: layer_gradients(case.network, {}, case.inputs, case.parts),
        lambda: population_statistics(case.network, {}, case.inputs),
        lambda: layer_information(case.network, case.inputs, "", "", "pairwise-lower"),
    ]
    for measure in measures:
        try:
            measure()
        except (ValueError, ArithmeticError):
            assert fails or not floating(case.inputs) or case.network.training
        assert same(before, remembered(case.network))
    assert broken is None or broken.id in case.network._forward_hooks


def _failing(*_: Any) -> None:
    raise ArithmeticError("on purpose")


@every_case
def test_correlation_of_every_part_is_within_its_bounds(name: str) -> None:
    case = case_of(name)
    network = with_batch_statistics(case)
    for key, gradients in layer_gradients(network, {}, case.inputs, case.parts).items():
        correlation = gradient_correlation(gradients).correlation
        assert correlation.isnan() if key == "unused" else -0.2 - 1e-12 <= correlation <= 1 + 1e-12


@every_case
def test_information_of_parts(name: str) -> None:
    case = case_of(name)
    parts = dict(case.network.named_modules())
    names = [key for key, part in parts.items() if any(part is each for each in case.parts.values())] + [""]
    found = successive_information(case.network, case.inputs, names, "pairwise-upper", noise=1.0)
    assert list(found) == list(pairwise(names))
    assert all(0 <= estimate.value < 10 for estimate in found.values())


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_half_precision_is_single_precision_but_for_rounding(dtype: torch.dtype) -> None:
    case = case_of("sequential")
    inputs = 60 * case.inputs
    truth = input_gradients(case.network, {}, inputs)
    kept = population_statistics(case.network, {}, inputs)
    truth_of_layers = layer_gradients(case.network.eval(), kept, inputs, case.parts)
    half, given = case.network.to(dtype), inputs.to(dtype)
    statistics = population_statistics(half, {}, given)
    assert {value.dtype for value in statistics.values()} == {torch.float}
    size = 40 * torch.finfo(dtype).eps * truth.abs().max().item()
    assert_close(input_gradients(half, {}, given).double(), truth, rtol=0, atol=size)
    assert_close(input_gradients(half, {}, given, statistics).double(), truth, rtol=0, atol=size)
    found = layer_gradients(half, statistics, given, case.parts)
    for key, gradients in truth_of_layers.items():
        size = 40 * torch.finfo(dtype).eps * gradients.abs().max().item()
        assert_close(found[key].double(), gradients, rtol=0, atol=size)


def test_autocast_is_the_same_but_for_rounding() -> None:
    case = case_of("sequential")
    network, inputs = case.network.float(), case.inputs.float()
    truth = input_gradients(network, {}, inputs)
    with torch.autocast("cpu", torch.bfloat16):
        found = input_gradients(network, {}, inputs)
    assert_close(found, truth, rtol=0, atol=0.05 * truth.abs().max().item())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_are_found_where_they_are_switched_off(mode: Callable[[], Any]) -> None:
    case = case_of("sequential")
    truth = input_gradients(case.network, {}, case.inputs)
    of_layers = layer_gradients(case.network.eval(), {}, case.inputs, case.parts)
    case.network.train()
    with mode():
        assert_close(input_gradients(case.network, {}, case.inputs), truth, rtol=0, atol=0)
        found = layer_gradients(case.network.eval(), {}, case.inputs, case.parts)
    assert_close(found, of_layers, rtol=0, atol=0)


def test_a_compiled_network_is_measured_through_its_original() -> None:
    case = case_of("sequential")
    truth = input_gradients(case.network, {}, case.inputs)
    compiled: Any = torch.compile(case.network, backend="eager")
    for network in (compiled, case.network):
        parameters: Parameters = dict(network.named_parameters())
        assert_close(input_gradients(compiled, parameters, case.inputs), truth, rtol=0, atol=0)
    assert population_statistics(compiled, {}, case.inputs).keys() == {"1.running_mean", "1.running_var"}
    case.network.eval()
    found = layer_gradients(compiled, {}, case.inputs, case.parts)
    assert_close(found, layer_gradients(case.network, {}, case.inputs, case.parts), rtol=0, atol=0)
    assert layer_information(compiled, case.inputs, "0", "3", "pairwise-lower") == layer_information(
        case.network, case.inputs, "0", "3", "pairwise-lower"
    )


@pytest.mark.parametrize(
    ("network", "line"),
    [
        (
            nn.DataParallel(nn.Linear(4, 2)),
            "the network is DataParallel, whose parameters torch cannot replace; allowed: the module",
        ),
        (
            torch.jit.trace(nn.Linear(4, 2), torch.zeros(1, 4)),
            "the network is TopLevelTracedModule, whose parameters",
        ),
        (nn.LazyLinear(2), "parameter 'weight' has no shape yet; allowed: networks that were called once"),
        (lambda inputs: inputs, "the network is function; allowed: a torch module"),
    ],
)
def test_what_cannot_be_measured_is_one_line(network: Any, line: str) -> None:
    inputs = torch.randn(6, 4)
    for measure in (
        lambda: input_gradients(network, {}, inputs),
        lambda: layer_gradients(network, {}, inputs, {}),
        lambda: population_statistics(network, {}, inputs),
        lambda: layer_information(network, inputs, "", ""),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^{line}[^\n]*$"):
            measure()


def test_on_a_device_without_values() -> None:
    with torch.device("meta"):
        network, inputs = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Tanh()), torch.empty(5, 4)
    assert input_gradients(network, {}, inputs).is_meta
    assert all(value.is_meta for value in population_statistics(network, {}, inputs).values())
    gradients = layer_gradients(network.eval(), {}, inputs, {"first": network[0]})["first"]
    assert gradients.is_meta
    assert gradients.shape == (5, 3)
    assert gradient_correlation(gradients).correlation.is_meta
    with pytest.raises(ValueError, match="layer '0' is on device meta, which holds no values"):
        layer_information(network, inputs, "0", "2")
