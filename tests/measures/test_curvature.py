from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from network_cases import PERCEPTRONS
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.testing import assert_close

from movingtarget.measures.curvature import Curvature, block_curvatures, largest_curvature
from movingtarget.networks import Architecture, Parameters, build_random, call, stack, unstack
from movingtarget.networks.chain import chain, propagate
from movingtarget.networks.losses import member_losses

RandomNetworks = Callable[..., list[nn.Module]]
EXAMPLES = 7
ALL = 10**6
"""More iterations than any network here has parameters: exact but for round-off."""


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def examples(*members: int) -> tuple[Tensor, Tensor]:
    """A few inputs in float64, and labels."""
    return torch.randn(*members, EXAMPLES, 5).double(), torch.randint(4, (*members, EXAMPLES))


def top(matrix: Tensor) -> Tensor:
    """The largest eigenvalue."""
    values: Tensor = torch.linalg.eigvalsh(matrix)
    return values[-1]


def gradient_of(network: nn.Module, inputs: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
    """The gradient in float64 as a function of all parameters in one vector."""
    copy = deepcopy(network).double()
    values = list(copy.parameters())

    def gradient(point: Tensor) -> Tensor:
        vector_to_parameters(point, values)
        loss = member_losses(copy(inputs.double().clone()), labels)
        return torch.cat([part.flatten() for part in torch.autograd.grad(loss, values)])

    return gradient


def dense(network: nn.Module, inputs: Tensor, labels: Tensor) -> Curvature:
    """The curvatures from the whole matrix, by central differences of the gradient."""
    # not by torch.func.hessian: torch 2.13's has wrong derivatives of batch norm's gain
    gradient, point = gradient_of(network, inputs, labels), flat(network)
    steps = 1e-5 * torch.eye(len(point)).double()
    matrix = torch.stack([gradient(point + step) - gradient(point - step) for step in steps]) / 2e-5
    owner = {name: place for place, link in enumerate(chain(network)) for name in link.names.values()}
    layers = torch.tensor([owner[name] for name, value in network.named_parameters() for _ in value.view(-1)])
    own = [layers == place for place in range(max(owner.values()) + 1)]
    blocks = torch.stack([top(matrix[among][:, among]) for among in own])
    return Curvature(top(matrix), blocks, top(matrix) / blocks.max())


def flat(network: nn.Module) -> Tensor:
    """All parameters in one vector, float64."""
    return parameters_to_vector(network.parameters()).detach().double()


@pytest.mark.parametrize("family", PERCEPTRONS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_agrees_with_the_whole_matrix(random_networks: RandomNetworks, family: str, activation: str) -> None:
    network, (inputs, labels) = random_networks(family, 1, activation=activation)[0].double(), examples()
    parameters: Parameters = dict(network.named_parameters())
    measured = block_curvatures(network, parameters, inputs, labels, ALL, ALL, seed=0)
    expected = dense(network, inputs, labels)
    assert measured.blocks.shape == (4,)
    assert expected.ratio > 1.01
    for value, reference in zip(measured, expected, strict=True):
        assert_close(value, reference, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual", "residual-batch-norm"])
def test_a_stack_is_measured_as_each_member_alone(random_networks: RandomNetworks, family: str) -> None:
    networks = [network.double() for network in random_networks(family, 3)]
    parameters, (inputs, labels) = stack(networks), examples(3)
    together = block_curvatures(networks[0], parameters, inputs, labels, 6, 4, seed=0, stacked=True)
    for member in range(3):
        alone = block_curvatures(
            networks[0], unstack(parameters, member), inputs[member], labels[member], 6, 4, seed=0
        )
        assert alone.ratio.shape == ()
        for value, expected in zip(together, alone, strict=True):
            assert_close(value[..., member], expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual-batch-norm"])
def test_float32_agrees_with_arpack_on_finite_differences(family: str) -> None:
    network = build_random(Architecture(family, 20, 32, 6, 4, "relu"), 0)
    parameters: Parameters = dict(network.named_parameters())
    inputs, labels = torch.randn(32, 20), torch.randint(4, (32,))
    measured = block_curvatures(network, parameters, inputs, labels, 40, 1, seed=0).whole

    gradient, point = gradient_of(network, inputs, labels), flat(network)

    def product(direction: NDArray[np.float64]) -> NDArray[np.float64]:
        step = 1e-6 * torch.from_numpy(direction)
        return ((gradient(point + step) - gradient(point - step)) / 2e-6).numpy()

    matrix = LinearOperator((len(point), len(point)), product, dtype=np.float64)
    (expected,) = eigsh(matrix, 1, which="LA", v0=np.ones(len(point)), tol=1e-4, return_eigenvectors=False)
    assert measured.item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("weights", [[1.0] * 6, [0.5, 0.8, 1.25, 2.0], [3.0]])
def test_a_linear_chain_at_its_minimum(weights: list[float]) -> None:
    # of (w1 .. wl - t)^2 / 2 the matrix is then the square of the gradient of the product, y / w_i
    values = torch.tensor(weights, dtype=torch.double)
    target = values.prod()
    parameters = {str(place): value for place, value in enumerate(values)}

    def loss(parameters: Parameters) -> Tensor:
        return (torch.stack(list(parameters.values())).prod() - target).square() / 2

    squares = (target / values).square()
    whole = largest_curvature(loss, parameters, list(parameters), 20, source())
    blocks = [largest_curvature(loss, parameters, [name], 20, source()) for name in parameters]
    assert_close(whole, squares.sum(), rtol=1e-12, atol=0)
    assert_close(torch.stack(blocks), squares, rtol=1e-12, atol=0)


@given(seed=st.integers(0, 10**6), layers=st.integers(1, 4), size=st.integers(1, 4), rank=st.integers(0, 9))
def test_ratio_of_a_positive_semidefinite_matrix(seed: int, layers: int, size: int, rank: int) -> None:
    root = torch.randn(layers * size, rank, generator=source(seed)).double()
    matrix = root @ root.T
    parameters = {str(layer): torch.randn(size, generator=source(layer)).double() for layer in range(layers)}

    def loss(parameters: Parameters) -> Tensor:
        point = torch.cat(list(parameters.values()))
        return point @ matrix @ point / 2

    whole = largest_curvature(loss, parameters, list(parameters), ALL, source(seed))
    blocks = torch.stack(
        [largest_curvature(loss, parameters, [name], ALL, source(seed)) for name in parameters]
    )
    expected = [top(part) for part in _diagonal_blocks(matrix, size)]
    assert_close(whole, top(matrix), rtol=1e-6, atol=1e-9)
    assert_close(blocks, torch.stack(expected), rtol=1e-6, atol=1e-9)
    largest = blocks.max().item()
    assert (1 - 1e-6) * largest - 1e-9 <= whole.item() <= (1 + 1e-6) * layers * largest + 1e-9


def _diagonal_blocks(matrix: Tensor, size: int) -> list[Tensor]:
    return [matrix[start : start + size, start : start + size] for start in range(0, len(matrix), size)]


def test_ratio_of_a_deep_linear_network_that_fits(random_networks: RandomNetworks) -> None:
    # at zero residual the matrix is J^T J, so the ratio lies between 1 and the number of layers
    network, (inputs, _) = random_networks("linear", 1, activation="linear")[0].double(), examples()
    links, targets = chain(network), network(inputs).detach()
    parameters: Parameters = {name: value.detach() for name, value in network.named_parameters()}

    def loss(parameters: Parameters) -> Tensor:
        errors: Tensor = propagate(links, parameters, inputs) - targets
        return errors.square().sum() / 2

    layers = [list(link.names.values()) for link in links]
    whole, *blocks = [
        largest_curvature(loss, parameters, names, ALL, source()).item()
        for names in [list(parameters), *layers]
    ]
    jacobian = torch.func.jacrev(lambda p: call(network, p, inputs).flatten())(parameters)
    flat = torch.cat([part.flatten(1) for part in jacobian.values()], 1)
    assert whole == pytest.approx(torch.linalg.matrix_norm(flat, 2).item() ** 2, rel=1e-9)
    assert 1 < whole / max(blocks) < len(blocks)


def test_the_largest_eigenvalue_is_not_the_largest_in_size() -> None:
    diagonal = torch.tensor([[-5.0, -1.0, 2.0], [-5.0, -4.0, -3.0], [-2.0, -2.0, -2.0]])
    parameters = {"point": torch.ones(3, 3)}
    measured = largest_curvature(
        lambda p: (diagonal * p["point"].square()).sum(1) / 2, parameters, ["point"], 20, source()
    )
    assert_close(measured, torch.tensor([2.0, -3.0, -2.0]).double(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_members_whose_vectors_run_out_do_not_stop_the_others(dtype: torch.dtype) -> None:
    # a multiple of the identity, two eigenvalues, nothing, and forty eigenvalues
    rows = [torch.full((40,), 3.0), torch.arange(40) % 2 + 1.0, torch.zeros(40), torch.arange(40) + 1.0]
    diagonal = torch.stack(rows).to(dtype)
    parameters = {"point": torch.ones(4, 40, dtype=dtype)}
    measured = largest_curvature(
        lambda p: (diagonal * p["point"].square()).sum(1) / 2, parameters, ["point"], 40, source()
    )
    assert measured.dtype == torch.double
    assert_close(measured, torch.tensor([3.0, 2.0, 0.0, 40.0]).double(), rtol=1e-5, atol=0)


def test_a_loss_that_does_not_curve() -> None:
    parameters = {"used": torch.ones(2, 3), "unused": torch.ones(2)}
    straight = largest_curvature(lambda p: p["used"].sum(1), parameters, ["used", "unused"], 20, source())
    partly = largest_curvature(
        lambda p: p["used"].square().sum(1) + p["unused"], parameters, ["used", "unused"], 20, source()
    )
    assert straight.tolist() == [0.0, 0.0]
    assert_close(partly, torch.tensor([2.0, 2.0]).double(), rtol=1e-6, atol=0)


def test_only_the_parameters_named_vary() -> None:
    parameters = {"narrow": torch.ones(2), "wide": torch.ones(2)}
    measured = largest_curvature(
        lambda p: (50 * p["narrow"].square() + p["wide"].square()).sum(), parameters, ["wide"], 20, source()
    )
    assert measured.item() == pytest.approx(2.0)
    assert not parameters["wide"].requires_grad


def test_estimates_grow_with_iterations(random_networks: RandomNetworks) -> None:
    network, (inputs, labels) = random_networks("batch-norm", 1)[0].double(), examples()
    parameters: Parameters = dict(network.named_parameters())
    links = chain(network.train())
    estimates = [
        largest_curvature(
            lambda p: member_losses(propagate(links, p, inputs), labels),
            parameters,
            list(parameters),
            iterations,
            source(),
        ).item()
        for iterations in (1, 2, 4, 8, 16, 32)
    ]
    assert all(later > 0.999999 * earlier for earlier, later in pairwise(estimates))
    assert estimates[0] < 0.5 * estimates[-1]
    assert estimates[-2] == pytest.approx(estimates[-1], rel=0.01)


def test_the_whole_is_never_estimated_below_a_layer(random_networks: RandomNetworks) -> None:
    networks, (inputs, labels) = random_networks("plain", 3), examples(3)
    parameters, inputs = stack(networks), inputs.float()
    measured = block_curvatures(networks[0], parameters, inputs, labels, 1, 20, seed=0, stacked=True)
    assert measured.ratio.tolist() == [1.0] * 3
    assert torch.equal(measured.whole, measured.blocks.amax(0))


def test_one_layer_has_ratio_one() -> None:
    network, (inputs, labels) = nn.Sequential(nn.Linear(5, 4)).double(), examples()
    parameters: Parameters = dict(network.named_parameters())
    measured = block_curvatures(network, parameters, inputs, labels, 20, 3, seed=0)
    assert measured.ratio.item() == 1.0
    assert measured.whole == measured.blocks[0] > 0


def perceptron() -> nn.Sequential:
    """A user's network, with operations in place and a batch norm of torch's."""
    below = [nn.ReLU(inplace=True), nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True)]
    return nn.Sequential(*below, nn.Linear(6, 6, bias=False), nn.Tanh(), nn.Linear(6, 4)).double()


@pytest.mark.parametrize("training", [True, False])
def test_a_network_of_the_users_own(training: bool) -> None:
    network, (inputs, labels) = perceptron().train(training), examples()
    state, values = deepcopy(network.state_dict()), inputs.clone()
    parameters: Parameters = dict(network.named_parameters())
    measured = block_curvatures(network, parameters, inputs, labels, ALL, ALL, seed=0)
    assert_close(network.state_dict(), state, rtol=0, atol=0)
    assert all(part.training == training for part in network.modules())
    assert torch.equal(inputs, values)
    expected = dense(network, inputs, labels)
    for value, reference in zip(measured, expected, strict=True):
        assert_close(value, reference, rtol=1e-7, atol=1e-8)


def test_undefined_where_no_layer_curves_upwards() -> None:
    # a saddle: with the other layer's weights zero, neither layer alone changes anything
    network = nn.Sequential(nn.Linear(5, 3, bias=False), nn.Linear(3, 4, bias=False)).double()
    parameters: Parameters = {name: torch.zeros_like(value) for name, value in network.named_parameters()}
    measured = block_curvatures(network, parameters, *examples(), 20, 20, seed=0)
    assert measured.whole > 0.1
    assert measured.blocks.tolist() == [0.0, 0.0]
    assert measured.ratio.isnan()


def test_a_member_that_diverged_is_not_felt_by_the_others(random_networks: RandomNetworks) -> None:
    networks, (inputs, labels) = random_networks("batch-norm", 3), examples(3)
    parameters, inputs = stack(networks), inputs.float()
    sound = block_curvatures(networks[0], parameters, inputs, labels, 6, 4, seed=0, stacked=True)
    parameters["head.weight"][1] = torch.nan
    measured = block_curvatures(networks[0], parameters, inputs, labels, 6, 4, seed=0, stacked=True)
    assert measured.ratio.isnan().tolist() == [False, True, False]
    for value, expected in zip(measured, sound, strict=True):
        assert torch.equal(value[..., [0, 2]], expected[..., [0, 2]])
        assert value[..., 1].isnan().all()


def test_equal_seeds_give_equal_values(random_networks: RandomNetworks) -> None:
    networks, (inputs, labels) = random_networks("plain", 2), examples(2)
    first, again, other = (
        block_curvatures(networks[0], stack(networks), inputs.float(), labels, 3, 3, seed, stacked=True)
        for seed in (0, 0, 1)
    )
    assert torch.equal(first.whole, again.whole)
    assert not torch.equal(first.whole, other.whole)


def test_a_layer_that_is_used_twice_is_one() -> None:
    layer = nn.Linear(5, 5)
    network, (inputs, labels) = nn.Sequential(layer, nn.Tanh(), layer).double(), examples()
    gradient, point = gradient_of(network, inputs, labels), flat(network)
    parameters: Parameters = dict(network.named_parameters())
    measured = block_curvatures(network, parameters, inputs, labels, ALL, ALL, seed=0)
    steps = 1e-5 * torch.eye(len(point)).double()
    matrix = torch.stack([gradient(point + step) - gradient(point - step) for step in steps]) / 2e-5
    assert_close(measured.blocks, top(matrix)[None], rtol=1e-7, atol=1e-8)
    assert measured.ratio == 1


@pytest.mark.parametrize("make", [lambda networks: networks("batch-norm", 1)[0], lambda _: perceptron()])
def test_a_batch_of_one_is_refused_by_batch_norm(
    random_networks: RandomNetworks, make: Callable[[RandomNetworks], nn.Module]
) -> None:
    network, (inputs, labels) = make(random_networks).double(), examples()
    with pytest.raises(ValueError, match=r"batch of at least 2|more than 1 value per channel"):
        block_curvatures(network, dict(network.named_parameters()), inputs[:1], labels[:1], 1, 1, seed=0)


@pytest.mark.parametrize("iterations", [(0, 5), (5, 0)])
def test_no_iterations_are_refused(random_networks: RandomNetworks, iterations: tuple[int, int]) -> None:
    network, (inputs, labels) = random_networks("plain", 1)[0].double(), examples()
    with pytest.raises(ValueError, match=r"^iterations of Lanczos are 0; allowed: at least 1$"):
        block_curvatures(network, dict(network.named_parameters()), inputs, labels, *iterations, seed=0)
