import math

import pytest
import torch
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.capture import capture
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.networks import Architecture, build, build_random
from movingtarget.networks.initialise import Weights, initialise
from movingtarget.networks.layers import ConcatenatedReLU, Linear

KINDS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
    "crelu": ConcatenatedReLU,
}


def affine(network: nn.Module) -> list[Linear]:
    """The affine layers, bottom first."""
    return [part for part in network.modules() if isinstance(part, Linear)]


def product_of_halves(network: nn.Module) -> Tensor:
    """The matrix of the linear network that one with weights W, (W, -W), ..., (W, -W) looks like."""
    first, *others = (layer.weight.detach() for layer in affine(network))
    matrix = first
    for weight in others:
        half, mirrored = weight.chunk(2, 1)
        assert torch.equal(half, -mirrored)
        matrix = half @ matrix
    return matrix


@pytest.mark.parametrize("family", [family for family in PERCEPTRONS if family != "low-rank"])
@pytest.mark.parametrize(("width", "depth"), [(1, 1), (6, 1), (1, 4), (6, 2), (6, 7)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
def test_shapes(family: str, width: int, depth: int, activation: str) -> None:
    network = build_random(Architecture(family, 5, width, depth, 4, activation), 0)
    above = 2 * width if family in ("crelu", "looks-linear") else width
    assert network(torch.randn(3, 5)).shape == (3, 4)
    shapes = [(width, 5)] + [(width, above)] * (depth - 1) + [(4, above)]
    assert [layer.weight.shape for layer in affine(network)] == shapes


@pytest.mark.parametrize("activation", KINDS)
def test_activation_is_the_one_asked_for(activation: str) -> None:
    network = build(Architecture("plain", 5, 6, 2, 4, activation))
    for layer in (0, 1):
        assert type(network.get_submodule(f"hidden.{layer}.activation")) is KINDS[activation]


@pytest.mark.parametrize(
    ("family", "activation"), [("crelu", "crelu"), ("looks-linear", "crelu"), ("linear", "linear")]
)
def test_families_with_an_activation_of_their_own_ignore_the_one_asked_for(
    family: str, activation: str
) -> None:
    network = build(Architecture(family, 5, 6, 1, 4, "tanh"))
    assert type(network.get_submodule("hidden.0.activation")) is KINDS[activation]


@pytest.mark.parametrize("asked", ["normal", "orthogonal"])
def test_a_family_with_initial_weights_of_its_own_ignores_those_asked_for(asked: Weights) -> None:
    drawn = build_random(Architecture("orthogonal", 6, 6, 3, 4, "tanh", asked), 3)
    expected = build_random(Architecture("plain", 6, 6, 3, 4, "tanh", "orthogonal"), 3)
    for layer, same in zip(affine(drawn), affine(expected), strict=True):
        assert torch.equal(layer.weight, same.weight)
    hidden = drawn.get_parameter("hidden.1.linear.weight")
    assert_close(hidden @ hidden.T, torch.eye(6), rtol=0, atol=1e-5)


@pytest.mark.parametrize("weights", ["normal", "orthogonal"])
@pytest.mark.parametrize("depth", [1, 3, 20])
def test_looks_linear_is_linear(depth: int, weights: Weights) -> None:
    network = build(Architecture("looks-linear", 5, 6, depth, 4, "relu")).double()
    initialise(network, 0, "crelu", weights, mirrored=True)
    matrix, inputs = product_of_halves(network), torch.randn(7, 5).double()
    assert matrix.abs().max() > 0.01
    assert_close(network(inputs), inputs @ matrix.T, rtol=0, atol=1e-12)
    gradients = input_gradients(network, dict(network.named_parameters()), inputs)
    assert_close(gradients, matrix.sum(0).expand(7, 5), rtol=0, atol=1e-12)


@pytest.mark.parametrize("weights", ["normal", "orthogonal"])
def test_looks_linear_is_the_linear_network_of_its_seed(weights: Weights) -> None:
    looks, linear = (
        build_random(Architecture(family, 5, 6, 4, 4, "relu", weights), 3).double()
        for family in ("looks-linear", "linear")
    )
    inputs = torch.randn(7, 5).double()
    # weights drawn in float32, then equal but for round-off in the orthogonal ones' scale
    assert_close(looks(inputs), linear(inputs), rtol=0, atol=1e-6)


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_looks_linear_of_orthogonal_weights_is_an_isometry(depth: int) -> None:
    network = build(Architecture("looks-linear", 6, 6, depth, 4, "relu")).double()
    initialise(network, 0, "crelu", "orthogonal", mirrored=True)
    hidden = nn.Sequential(*network.get_submodule("hidden").children())
    jacobian = torch.func.jacrev(hidden)(torch.randn(1, 6).double())[0, :, 0]
    assert jacobian.shape == (12, 6)
    assert_close(jacobian.T @ jacobian, torch.eye(6).double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_crelu_with_independent_weights_is_not_linear(depth: int) -> None:
    network = build_random(Architecture("crelu", 5, 6, depth, 4, "relu"), 0).double()
    inputs = torch.randn(7, 5).double()
    outputs = network(inputs).detach()
    odd_part = (outputs - network(-inputs).detach()) / 2
    assert (outputs - odd_part).norm() > 0.1 * outputs.norm()
    gradients = input_gradients(network, dict(network.named_parameters()), inputs)
    assert (gradients - gradients[0]).norm() > 0.1 * gradients.norm()


def test_residual_stream_stays_bounded() -> None:
    # each of 49 branches adds a share 1 / 50 to the stream's mean square: (1 + 1 / 50)^49 = 2.64 = e nearly
    depth, growth = 50, []
    for seed in range(5):
        network = initialise(build(Architecture("residual", 20, 128, depth, 4, "relu")), seed, "relu")
        ends = {str(place): network.get_submodule(f"hidden.{place}") for place in (0, depth - 1)}
        with torch.no_grad(), capture(ends, lambda _, output: output.square().mean().item()) as seen:
            network(torch.randn(50, 20, generator=torch.Generator().manual_seed(seed)))
        growth.append(math.log(seen[str(depth - 1)] / seen["0"]))
    assert sum(growth) / 5 == pytest.approx(49 * math.log(1 + 1 / 50), abs=0.3)


def test_an_unscaled_residual_stream_doubles_with_every_block() -> None:
    # a branch of rectifiers has the mean square of what comes in: 2^9 after nine blocks
    growth = []
    for seed in range(5):
        network = build_random(Architecture("residual-unscaled", 20, 256, 10, 4, "relu"), seed)
        ends = {str(place): network.get_submodule(f"hidden.{place}") for place in (0, 9)}
        with torch.no_grad(), capture(ends, lambda _, output: output.square().mean().item()) as seen:
            network(torch.randn(50, 20, generator=torch.Generator().manual_seed(seed)))
        growth.append(math.log2(seen["9"] / seen["0"]))
    assert sum(growth) / 5 == pytest.approx(9, abs=0.4)


def test_unknown_family_says_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="'highway' is unknown; allowed: plain, batch-norm, residual"):
        build(Architecture("highway", 5, 6, 2, 4, "relu"))


@pytest.mark.parametrize("family", PERCEPTRONS)
@pytest.mark.parametrize(("width", "depth", "line"), [(6, 0, "depth is 0"), (0, 2, "width is 0")])
def test_nothing_to_build(family: str, width: int, depth: int, line: str) -> None:
    with pytest.raises(ValueError, match=f"^{line}; allowed: at least 1$"):
        build(Architecture(family, 5, width, depth, 4, "relu"))
