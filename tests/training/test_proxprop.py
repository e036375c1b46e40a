"""ProxProp against the implicit step in closed form, torch's momentum, and FOOF."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.training.affine import with_ones
from movingtarget.training.foof import damped_direction
from movingtarget.training.interface import Batch
from movingtarget.training.proxprop import conjugate_gradients, implicit_direction, proxprop
from movingtarget.training.simultaneous import gradients_of

MEMBERS, STEPS = 2, 4
MOMENTUM = 0.95
RATES = torch.tensor([0.3, 0.05]).double()


def networks() -> list[nn.Module]:
    return [initialise_glorot(autoencoder(5, [7, 3]), seed).double() for seed in range(MEMBERS)]


def random_batches() -> list[Batch]:
    source = torch.Generator().manual_seed(1)
    images = torch.rand(STEPS, MEMBERS, 12, 5, generator=source).double()
    return [Batch(batch, batch) for batch in images]


def layer_inputs(network: Any, parameters: Parameters, inputs: Tensor) -> dict[str, Tensor]:
    """What each layer of one network is applied to, by the layer's name."""
    found: dict[str, Tensor] = {}
    for name, part in network.named_children():
        if f"{name}.weight" in parameters:
            found[name] = inputs
            inputs = inputs @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]
        else:
            inputs = part(inputs)
    return found


def closed_form(network: nn.Module, parameters: Parameters, batch: Batch, tau: float) -> Parameters:
    """One member's directions with the implicit step solved by an explicit inverse."""
    stacked = {name: value[None] for name, value in parameters.items()}
    _, gradients = gradients_of(network, stacked, Batch(*(values[None] for values in batch)))
    directions = unstack(gradients, 0)
    layers = layer_inputs(network, parameters, batch.inputs)
    for name, inputs in list(layers.items())[:-1]:
        joint = torch.cat([inputs, torch.ones(len(inputs), 1)], 1)
        gradient = torch.cat([directions[f"{name}.weight"], directions[f"{name}.bias"][:, None]], 1)
        implicit = torch.eye(joint.shape[1]) + tau * joint.T @ joint
        solved = gradient @ torch.linalg.inv(implicit)
        directions |= {f"{name}.weight": solved[:, :-1], f"{name}.bias": solved[:, -1]}
    return directions


def by_torch(network: nn.Module, member: int, tau: float) -> Parameters:
    """One member moved by torch's Nesterov momentum along directions in closed form."""
    values = dict(network.named_parameters())
    optimiser = torch.optim.SGD(values.values(), lr=RATES[member].item(), momentum=MOMENTUM, nesterov=True)
    for inputs, labels in random_batches():
        parameters = {name: value.detach() for name, value in values.items()}
        batch = Batch(inputs[member], labels[member])
        for name, direction in closed_form(network, parameters, batch, tau).items():
            values[name].grad = direction
        optimiser.step()
    return {name: value.detach() for name, value in values.items()}


@pytest.mark.parametrize(("tau", "iterations"), [(0.05, 8), (3.0, 20), (1e-12, 1)])
def test_solved_to_the_end_it_is_momentum_along_the_closed_form(tau: float, iterations: int) -> None:
    parameters, memory, rule = stack(networks()), dict[str, Any](), proxprop(tau, iterations)
    for batch in random_batches():
        parameters, memory, *_ = rule(networks()[0], parameters, batch, memory, RATES)
    for member, network in enumerate(networks()):
        assert_close(unstack(parameters, member), by_torch(network, member, tau), rtol=0, atol=1e-8)


def test_a_small_proximal_rate_makes_it_gradient_descent() -> None:
    (batch, *_), network = random_batches(), networks()[0]
    _, gradients = gradients_of(network, stack(networks()), batch)
    after = proxprop(1e-10)(network, stack(networks()), batch, {}, RATES / (1 + MOMENTUM)).parameters
    for name, gradient in gradients.items():
        rates = RATES.view(-1, *[1] * (gradient.dim() - 1))
        assert_close(after[name], stack(networks())[name] - rates * gradient, rtol=0, atol=1e-8)


@pytest.mark.parametrize("examples", [3, 60])  # by inputs, by the Gram matrix
def test_solved_to_the_end_its_direction_is_foofs(examples: int) -> None:
    inputs = with_ones(torch.randn(MEMBERS, examples, 6).double())
    errors, tau = torch.randn(MEMBERS, examples, 5).double(), 0.2
    found = implicit_direction(inputs, errors.mT @ inputs, tau, 12)
    expected = damped_direction(inputs, errors, 1 / (tau * examples)) / (tau * examples)
    assert_close(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_few_iterations_are_the_best_of_their_krylov_space(iterations: int) -> None:
    """Of the span of r, Ar, ..., the point nearest to the solution by the matrix's own norm."""
    root = torch.randn(6, 6).double()
    matrix, right = root @ root.T + torch.eye(6), torch.randn(1, 6).double()
    space = [right[0]]
    for _ in range(iterations - 1):
        space.append(matrix @ space[-1])
    basis = torch.linalg.qr(torch.stack(space, 1))[0]
    expected = basis @ torch.linalg.solve(basis.T @ matrix @ basis, basis.T @ right[0])
    found = conjugate_gradients(lambda rows: rows @ matrix, right, iterations)
    assert_close(found[0], expected, rtol=0, atol=1e-12)


def test_three_iterations_unless_told_otherwise() -> None:
    batch, *_ = random_batches()
    steps = [
        rule(networks()[0], stack(networks()), batch, {}, RATES)
        for rule in (proxprop(0.5), proxprop(0.5, 3), proxprop(0.5, 2))
    ]
    assert all(torch.equal(value, steps[1].parameters[name]) for name, value in steps[0].parameters.items())
    assert not torch.equal(steps[0].parameters["0.weight"], steps[2].parameters["0.weight"])


def test_iterations_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^iterations is 0; allowed: at least 1$"):
        proxprop(0.1, 0)


def test_a_single_layer_is_the_output_layer_and_takes_the_gradient() -> None:
    network = nn.Sequential(networks()[0].get_submodule("0"))
    batch = Batch(torch.rand(1, 9, 5).double(), torch.randint(7, (1, 9)))
    _, gradients = gradients_of(network, stack([network]), batch)
    after = proxprop(10.0)(network, stack([network]), batch, {}, torch.ones(1) / (1 + MOMENTUM)).parameters
    for name, gradient in gradients.items():
        assert_close(after[name], stack([network])[name] - gradient, rtol=0, atol=1e-7)
