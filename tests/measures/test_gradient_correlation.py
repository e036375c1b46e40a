from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from module_cases import By
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.gradient_correlation import gradient_correlation, layer_gradients
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Parameters, call, stack, unstack
from movingtarget.networks.initialise import generator, initialise
from movingtarget.networks.layers import Linear, RandomGates

RandomNetworks = Callable[..., list[nn.Module]]
EXAMPLES = 6


def hidden(network: nn.Module) -> dict[str, nn.Module]:
    """The hidden layers by name."""
    return dict(network.get_submodule("hidden").named_children())


def gradient_of_one(network: nn.Module, values: Parameters, example: Tensor, layer: nn.Module) -> Tensor:
    """Gradient of one example's summed outputs at one layer's output, in a pass of its own."""
    kept: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _, inputs, output: kept.append(output))
    outputs = call(network, values, example[None].clone().requires_grad_())
    handle.remove()
    return torch.autograd.grad(outputs.sum(), kept[0])[0][0]


def by_pairs(gradients: list[Tensor]) -> tuple[float, float]:
    """Correlation and norm by the definition, a double loop over pairs."""
    count = len(gradients)
    covariances = [float(gradients[i] @ gradients[j]) for i in range(count) for j in range(count) if i != j]
    squares = [float(gradient @ gradient) for gradient in gradients]
    mean_square = sum(squares) / count
    return sum(covariances) / len(covariances) / mean_square, mean_square**0.5


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_agrees_with_a_loop_over_pairs(random_networks: RandomNetworks, family: str) -> None:
    networks = [network.double() for network in random_networks(family, 3, activation="relu")]
    network, parameters, inputs = networks[0], stack(networks), torch.randn(EXAMPLES, 5).double()
    parameters |= population_statistics(network, parameters, torch.randn(50, 5).double(), stacked=True)
    network.eval()
    gradients = layer_gradients(network, parameters, inputs, hidden(network), stacked=True)
    for name, layer in hidden(network).items():
        measured = gradient_correlation(gradients[name], stacked=True)
        for member in range(3):
            own = unstack(parameters, member)
            slow = [gradient_of_one(network, own, example, layer) for example in inputs]
            assert_close(gradients[name][member], torch.stack(slow), rtol=0, atol=1e-12)
            correlation, norm = by_pairs(slow)
            assert measured.correlation[member].item() == pytest.approx(correlation, abs=1e-12)
            assert measured.norm[member].item() == pytest.approx(norm, abs=1e-12)


def test_independent_gates_follow_balduzzis_first_theorem() -> None:
    # at weights of variance 2 / N, a gate open half of the time and two inputs' gates independent:
    # C(i, i) = 1 and C(i, j) = 2^-L over L layers; over 24 networks the standard errors are below 0.01
    width, depth, examples, seeds = 300, 6, 20, range(24)
    layers = [[Linear(width, width), RandomGates(generator(place, "gates"))] for place in range(depth)]
    network = nn.Sequential(*(part for layer in layers for part in layer))
    parameters = stack(initialise(network, seed, "relu") for seed in seeds)
    gates = {str(place): layer[1] for place, layer in enumerate(layers)}
    gradients = layer_gradients(network, parameters, torch.randn(examples, width), gates, stacked=True)
    for place in range(depth):
        above = depth - 1 - place
        measured = gradient_correlation(gradients[str(place)], stacked=True)
        assert measured.correlation.mean().item() == pytest.approx(2.0**-above, abs=0.02)
        assert measured.norm.square().mean().item() / width == pytest.approx(1, rel=0.05)


def in_a_row(in_place: bool) -> nn.Sequential:
    """A network that begins with a rectifier and rectifies its affine layers' outputs, in place or not."""
    torch.manual_seed(0)
    first, last = nn.ReLU(in_place), nn.Linear(6, 4)
    return nn.Sequential(first, nn.Linear(5, 6), nn.ReLU(in_place), last, nn.ReLU(in_place)).double()


def test_operations_in_place_change_nothing() -> None:
    inputs = torch.randn(EXAMPLES, 5).double()
    before, measured = inputs.clone(), []
    for network in (in_a_row(False), in_a_row(True)):
        parts = dict(network.named_children())
        measured.append(layer_gradients(network, dict(network.named_parameters()), inputs, parts))
    assert_close(measured[1], measured[0], rtol=0, atol=0)
    assert torch.equal(inputs, before)


def test_several_outputs_are_summed() -> None:
    network, inputs = in_a_row(True), torch.randn(EXAMPLES, 5).double()
    parameters: Parameters = dict(network.named_parameters())
    gradients = layer_gradients(network, parameters, inputs, {"it": network[1]})
    active = inputs.relu() @ parameters["1.weight"].T + parameters["1.bias"]
    ends = active.relu() @ parameters["3.weight"].T + parameters["3.bias"]
    expected = ((ends > 0).double() @ parameters["3.weight"]) * (active > 0)
    assert_close(gradients["it"], expected.detach(), rtol=0, atol=1e-12)


def test_a_network_of_several_tensors_is_refused() -> None:
    network = nn.GRU(5, 6)
    with pytest.raises(TypeError, match="the network returns tuple; allowed: one tensor, examples first"):
        layer_gradients(network, dict(network.named_parameters()), torch.randn(EXAMPLES, 5), {})


@pytest.mark.parametrize(
    ("gradients", "correlation", "norm"),
    [
        ([[3, 4], [3, 4], [3, 4]], 1, 5),
        ([[3, 0], [0, 3]], 0, 3),
        ([[3, 4], [-3, -4]], -1, 5),
        ([[1, 0], [0, 1], [-1, 0], [0, -1]], -1 / 3, 1),
        ([[1, 1], [0, 0]], 0, 1),
    ],
)
def test_known_cases(gradients: list[list[float]], correlation: float, norm: float) -> None:
    measured = gradient_correlation(torch.tensor(gradients, dtype=torch.float))
    assert measured.correlation.item() == pytest.approx(correlation, abs=1e-12)
    assert measured.norm.item() == pytest.approx(norm, abs=1e-12)


@given(seed=st.integers(0, 2**31), examples=st.integers(2, 8), scale=st.floats(1e-10, 1e10))
def test_order_and_scale_do_not_matter_and_the_range_is_known(seed: int, examples: int, scale: float) -> None:
    gradients = torch.randn(4, examples, 3, generator=torch.Generator().manual_seed(seed)).double()
    correlation, norm = gradient_correlation(gradients, stacked=True)
    shuffled = gradient_correlation(scale * gradients[:, torch.randperm(examples)], stacked=True)
    assert_close(shuffled.correlation, correlation, rtol=0, atol=1e-10)
    assert_close(shuffled.norm, scale * norm, rtol=1e-10, atol=0)
    assert (correlation >= -1 / (examples - 1) - 1e-12).all()
    assert (correlation <= 1 + 1e-12).all()


def test_without_any_gradient_the_correlation_is_undefined() -> None:
    measured = gradient_correlation(torch.stack([torch.zeros(3, 2), torch.ones(3, 2)]), stacked=True)
    assert measured.correlation.isnan().tolist() == [True, False]
    assert measured.norm[0] == 0


def test_one_example_has_no_pair() -> None:
    with pytest.raises(ValueError, match="a correlation between inputs needs at least 2 examples, got 1"):
        gradient_correlation(torch.ones(1, 3))


@given(seed=st.integers(0, 2**31), scale=st.sampled_from([5e-324, 1e-300, 1e-200, 1e200, 1e307]))
def test_neither_underflow_nor_overflow(seed: int, scale: float) -> None:
    gradients = torch.randint(-3, 4, (6, 5), generator=torch.Generator().manual_seed(seed)).double()
    gradients[0, 0] = 3
    correlation, norm = gradient_correlation(gradients)
    found = gradient_correlation(scale * gradients)
    assert_close(found.correlation, correlation, rtol=0, atol=1e-12)
    assert found.norm.item() == pytest.approx(scale * norm.item(), rel=1e-12, abs=1e-323)


def test_all_axes_but_the_first_are_units() -> None:
    images = torch.randn(3, 6, 2, 4, 4).double()
    pairs = [by_pairs(list(of_member.flatten(1))) for of_member in images]
    measured = gradient_correlation(images, stacked=True)
    assert measured.correlation.tolist() == pytest.approx([pair[0] for pair in pairs], abs=1e-12)
    assert measured.norm.tolist() == pytest.approx([pair[1] for pair in pairs], abs=1e-12)
    assert gradient_correlation(images[0]).correlation.shape == ()
    assert_close(gradient_correlation(images[0]).correlation, measured.correlation[0], rtol=0, atol=1e-15)
    scalars = torch.randn(6).double()
    assert gradient_correlation(scalars).correlation == gradient_correlation(scalars[:, None]).correlation


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_is_undefined_for_its_member_only(value: float) -> None:
    gradients = torch.randn(3, 6, 5)
    gradients[1, 2, 3] = value
    measured = gradient_correlation(gradients, stacked=True)
    assert measured.correlation.isnan().tolist() == [False, True, False]
    assert measured.norm.isfinite().tolist() == [True, False, True]


def test_gradients_that_are_no_examples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^gradients are a single number; allowed: examples x units$"):
        gradient_correlation(torch.tensor(1.0))
    with pytest.raises(ValueError, match=r"^gradients are 3; allowed: members x examples x units$"):
        gradient_correlation(torch.ones(3), stacked=True)
    with pytest.raises(TypeError, match=r"^gradients are dict; allowed: one tensor, as of one of several"):
        gradient_correlation({"first": torch.ones(3, 2)})  # type: ignore[arg-type]


PART = nn.Linear(8, 8)


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (lambda it, x: it.part(it.part(x)), "part 'it' was called 2 times; allowed: a part"),
        (lambda it, x: F.linear(x, it.part.weight), "part 'it' was called 0 times; allowed: a part"),
        (lambda it, x: it.part(x).repeat(2, 1), "the network returns 16x8 for 8 examples; allowed"),
        (lambda it, x: it.part(x[None])[0], "part 'it' returned 1x8x8 where the network returns 8x8"),
        (lambda it, x: it.part(x).detach(), "the network's outputs .* have no derivative; allowed"),
        (lambda it, x: it.part(x).sum(), "the network returns a single number for 8 examples"),
    ],
)
def test_calls_that_have_no_gradient_for_each_example(function: Any, line: str) -> None:
    network = By(function, part=PART)
    with pytest.raises(ValueError, match=f"^{line}[^\n]*$"):
        layer_gradients(network, {}, torch.randn(8, 8), {"it": PART})


@pytest.mark.parametrize(
    ("returned", "error", "line"),
    [
        (lambda x: (x, x), TypeError, "part 'it' returned tuple; allowed: one tensor"),
        (lambda x: {"it": x}, TypeError, "part 'it' returned dict; allowed: one tensor"),
        (lambda _: None, TypeError, "part 'it' returned NoneType; allowed: one tensor"),
        (lambda x: x > 0, ValueError, r"part 'it' returned torch.bool; allowed: floating-point numbers"),
    ],
)
def test_parts_that_do_not_return_one_tensor(returned: Any, error: type[Exception], line: str) -> None:
    part = By(lambda _, x: returned(x))
    network = By(lambda it, x: (it.part(x), x)[1], part=part)
    with pytest.raises(error, match=f"^{line}[^\n]*$"):
        layer_gradients(network, {}, torch.randn(8, 8), {"it": part})


def test_parts_are_modules_by_name() -> None:
    with pytest.raises(TypeError, match=r"^parts are list; allowed: submodules of the network by name$"):
        layer_gradients(PART, {}, torch.randn(8, 8), ["it"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^part 'it' is str; allowed: a submodule of the network$"):
        layer_gradients(PART, {}, torch.randn(8, 8), {"it": "part"})  # type: ignore[dict-item]
    assert layer_gradients(PART, {}, torch.randn(8, 8), {}) == {}
