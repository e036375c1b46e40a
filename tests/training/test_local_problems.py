"""Local gradients against autograd of the local losses, and against closed forms written with numpy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters
from movingtarget.networks.chain import Link, chain
from movingtarget.networks.layers import ConcatenatedReLU, Linear
from movingtarget.training.interface import Memory
from movingtarget.training.local_optimisers import LocalOptimiser, descent, rmsprop
from movingtarget.training.local_problems import Transfer, local_flops, matched_transfers, problem_of
from movingtarget.training.signals import Signal

MEMBERS, BATCH, BELOW, ABOVE, GAMMA = 2, 7, 4, 3, 1.7
IMAGES, CLASSES = torch.zeros(MEMBERS, BATCH, ABOVE), torch.zeros(MEMBERS, BATCH, dtype=torch.long)

INTEGRALS: dict[str, tuple[nn.Module, Callable[[Tensor], Tensor]]] = {
    "tanh": (nn.Tanh(), lambda a: a.cosh().log()),
    "relu": (nn.ReLU(), lambda a: torch.where(a > 0, a**2 / 2, 0.0)),
    "sigmoid": (nn.Sigmoid(), lambda a: (1 + a.exp()).log()),
    "softmax": (nn.Softmax(-1), lambda a: a.exp().sum(-1, keepdim=True).log()),
    "identity": (nn.Identity(), lambda a: a**2 / 2),
    "leaky relu": (nn.LeakyReLU(0.2), lambda a: torch.where(a > 0, a**2 / 2, 0.1 * a**2)),
    "elu": (nn.ELU(1.5), lambda a: torch.where(a > 0, a**2 / 2 + 1.5, 1.5 * (a.clamp(max=0).exp() - a))),
    # the integral of log(1 + e^t) from 0 to a, by Gauss's rule of 40 points
    "softplus": (nn.Softplus(), lambda a: _integral(lambda t: (1 + t.exp()).log(), a)),
}


def _integral(function: Transfer, ends: Tensor) -> Tensor:
    places, weights = map(torch.from_numpy, np.polynomial.legendre.leggauss(40))
    return (function(ends[..., None] * (places + 1) / 2) * weights).sum(-1) * ends / 2


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def layer_of(transfer: nn.Module) -> Link:
    return chain(nn.Sequential(Linear(BELOW, ABOVE), transfer, Linear(ABOVE, 2)))[0]


def random_problem() -> tuple[Parameters, Signal]:
    """Parameters of a layer, and a minibatch's signal there."""
    parameters = {"0.weight": drawn(MEMBERS, ABOVE, BELOW), "0.bias": drawn(MEMBERS, ABOVE, seed=1)}
    inputs, errors = drawn(MEMBERS, BATCH, BELOW, seed=2), drawn(MEMBERS, BATCH, ABOVE, seed=3)
    return parameters, Signal(inputs, reached(parameters, inputs), errors)


def reached(parameters: Parameters, inputs: Tensor) -> Tensor:
    return torch.stack(
        [
            F.linear(*member)
            for member in zip(inputs, parameters["0.weight"], parameters["0.bias"], strict=True)
        ]
    )


def matching(transfer: nn.Module) -> Transfer:
    network = nn.Sequential(Linear(BELOW, ABOVE), transfer, Linear(ABOVE, ABOVE))
    return matched_transfers(chain(network), IMAGES)[0]


def by_autograd(
    parameters: Parameters, inputs: Tensor, targets: Tensor, integral: Callable[[Tensor], Tensor]
) -> Parameters:
    r"""The gradient of the Bregman divergence, $F(a) - t a$ but for a constant."""
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    a = reached(leaves, inputs)
    loss = integral(a).sum() - (targets * a).sum()
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


@pytest.mark.parametrize("name", INTEGRALS)
def test_matching_gradient_is_autograds_of_the_bregman_divergence(name: str) -> None:
    transfer, integral = INTEGRALS[name]
    parameters, signal = random_problem()
    gradient_at = problem_of(layer_of(transfer), parameters, signal, GAMMA, 5, matching(transfer))
    targets = transfer(signal.pre_activations) - GAMMA * signal.errors
    for step in range(3):
        expected = by_autograd(parameters, signal.inputs, targets, integral)
        assert_close(gradient_at(parameters), expected, rtol=1e-11, atol=1e-11)
        for place, value in enumerate(parameters.values()):
            value += 0.3 * drawn(*value.shape, seed=10 * step + place)


@pytest.mark.parametrize("name", INTEGRALS)
def test_transfers_are_the_slopes_of_their_integrals(name: str) -> None:
    transfer, integral = INTEGRALS[name]
    places = drawn(5, ABOVE, seed=4)
    for unit in range(ABOVE):
        step = 1e-5 * F.one_hot(torch.tensor(unit), ABOVE).double()
        difference = (integral(places + step) - integral(places - step)).sum(-1) / 2e-5
        assert_close(transfer(places)[:, unit], difference, rtol=0, atol=1e-8)


@pytest.mark.parametrize("iterations", [1, 2, 50])
def test_squared_gradient_is_the_same_by_gram_matrix_and_by_residual(iterations: int) -> None:
    parameters, signal = random_problem()
    gradient_at = problem_of(layer_of(nn.Tanh()), parameters, signal, GAMMA, iterations, None)
    targets = signal.pre_activations - GAMMA * signal.errors
    for step in range(3):
        expected = by_autograd(parameters, signal.inputs, targets, lambda a: a**2 / 2)
        assert_close(gradient_at(parameters), expected, rtol=1e-12, atol=1e-12)
        for place, value in enumerate(parameters.values()):
            value += drawn(*value.shape, seed=10 * step + place)
    residuals = 2.0 * BATCH * BELOW * ABOVE * (2 * iterations - 1)
    gram_used = local_flops(layer_of(nn.Tanh()), BATCH, iterations, "squared") < residuals
    assert gram_used == (iterations > 2)  # both ways have been looked at


@pytest.mark.parametrize("loss", ["matching", "squared"])
@pytest.mark.parametrize(("batch", "iterations"), [(7, 1), (7, 2), (7, 3), (7, 10), (2, 10), (100, 4)])
def test_flops_are_those_that_torch_counts_on_both_routes(loss: str, batch: int, iterations: int) -> None:
    parameters, _ = random_problem()
    inputs = drawn(MEMBERS, batch, BELOW)
    signal = Signal(inputs, reached(parameters, inputs), drawn(MEMBERS, batch, ABOVE))
    link, transfer = layer_of(nn.Tanh()), matching(nn.Tanh()) if loss == "matching" else None
    with FlopCounterMode(display=False) as counter:
        gradient_at = problem_of(link, parameters, signal, GAMMA, iterations, transfer)
        for _ in range(iterations):
            gradient_at(parameters)
    counted = counter.get_total_flops() / MEMBERS
    assert counted == local_flops(link, batch, iterations, loss)  # type: ignore[arg-type]
    product, gram = 2 * batch * BELOW * ABOVE, 2 * BELOW * BELOW * (ABOVE * (iterations - 1) + batch)
    by_gram = product + gram + 2 * BELOW * ABOVE * (iterations - 1)
    cheaper = min((2 * iterations - 1) * product, by_gram if loss == "squared" else np.inf)
    assert counted == cheaper


@pytest.mark.parametrize("optimiser", [descent, rmsprop])
def test_with_the_identity_both_losses_take_the_same_steps(optimiser: LocalOptimiser) -> None:
    ends, rates = [], torch.tensor([0.01, 0.002], dtype=torch.double)
    for transfer in (matching(nn.Identity()), None):
        parameters, signal = random_problem()
        memory = Memory()
        gradient_at = problem_of(layer_of(nn.Identity()), parameters, signal, GAMMA, 20, transfer)
        for _ in range(20):
            optimiser(parameters, gradient_at(parameters), memory, rates)
        ends.append(parameters)
    assert_close(*ends, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(ends[0]["0.weight"], random_problem()[0]["0.weight"], atol=0.01)


def test_with_a_proximal_term_many_squared_steps_end_at_the_solution_in_closed_form() -> None:
    r"""$W_0 - \gamma G_0 (\lambda I + X^T X)^{-1}$, inputs and weights having the bias as a last column."""
    damping, (start, signal) = 0.7, random_problem()
    parameters = {name: value.clone() for name, value in start.items()}
    gradient_at = problem_of(layer_of(nn.Tanh()), parameters, signal, GAMMA, 4000, None)
    for _ in range(4000):
        pulled = {
            name: gradient + damping * (parameters[name] - start[name])
            for name, gradient in gradient_at(parameters).items()
        }
        descent(parameters, pulled, {}, torch.full((MEMBERS,), 0.01).double())
    for member in range(MEMBERS):
        inputs = np.hstack([signal.inputs[member].numpy(), np.ones((BATCH, 1))])
        gradient = signal.errors[member].numpy().T @ inputs
        both = np.hstack([start["0.weight"][member].numpy(), start["0.bias"][member].numpy()[:, None]])
        expected = both - GAMMA * gradient @ np.linalg.inv(damping * np.eye(BELOW + 1) + inputs.T @ inputs)
        ours = np.hstack(
            [parameters["0.weight"][member].numpy(), parameters["0.bias"][member].numpy()[:, None]]
        )
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("transfer", [nn.Tanh(), nn.ReLU(), nn.Sigmoid(), nn.Identity(), None])
def test_neither_signal_nor_parameters_are_changed(transfer: nn.Module | None) -> None:
    parameters, signal = random_problem()
    matched = None if transfer is None else matching(transfer)
    gradient_at = problem_of(layer_of(transfer or nn.Tanh()), parameters, signal, GAMMA, 3, matched)
    for _ in range(3):
        gradient_at(parameters)
    assert_close((parameters, *signal), (random_problem()[0], *random_problem()[1]), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("labels", "expected"), [(IMAGES, torch.sigmoid), (CLASSES, lambda a: a.softmax(-1))]
)
def test_the_output_layers_transfer_is_what_its_loss_matches(labels: Tensor, expected: Transfer) -> None:
    links = chain(nn.Sequential(Linear(BELOW, ABOVE), nn.Tanh(), Linear(ABOVE, ABOVE)))
    hidden, top = matched_transfers(links, labels)
    values = drawn(MEMBERS, BATCH, ABOVE)
    assert_close(top(values.clone()), expected(values), rtol=0, atol=0)
    assert_close(hidden(values.clone()), values.tanh(), rtol=0, atol=0)


def test_several_transfers_follow_each_other_and_crelu_has_the_identity() -> None:
    values = drawn(MEMBERS, BATCH, ABOVE)
    links = chain(
        nn.Sequential(
            *(Linear(BELOW, ABOVE), nn.Identity(), nn.Tanh(), nn.Sigmoid()),
            *(Linear(ABOVE, ABOVE), ConcatenatedReLU(), Linear(2 * ABOVE, ABOVE)),
        )
    )
    first, second, _ = matched_transfers(links, IMAGES)
    assert_close(first(values.clone()), values.tanh().sigmoid(), rtol=0, atol=0)
    assert second(values) is values


@pytest.mark.parametrize(("transfer", "name"), [(nn.GELU(), "GELU"), (nn.MaxPool1d(1), "MaxPool1d")])
@pytest.mark.parametrize("place", [0, 1])
def test_a_transfer_without_a_matching_loss_is_refused(transfer: nn.Module, name: str, place: int) -> None:
    parts: list[nn.Module] = [Linear(BELOW, ABOVE), nn.Tanh(), Linear(ABOVE, ABOVE)]
    parts.insert(1 + 2 * place, transfer)
    line = rf"^layer {place}: {name} has no matching loss; allowed in LocoProp-M: Identity, ReLU, .*, CReLU$"
    with pytest.raises(ValueError, match=line):
        matched_transfers(chain(nn.Sequential(*parts)), IMAGES)
