"""Prices of a step to second order: against the whole Hessian, and against drops of ever smaller steps."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.measures.moving_target import drops, gradients
from movingtarget.measures.second_order import Prices, prices
from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.chain import chain
from movingtarget.networks.losses import member_losses

RandomNetworks = Callable[..., list[nn.Module]]


def examples(*members: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(*members, 7, 5, generator=generator).double()
    return inputs, torch.randint(4, (*members, 7), generator=generator)


def stepped(
    network: nn.Module,
    parameters: Parameters,
    inputs: Tensor,
    labels: Tensor,
    rate: float,
    stacked: bool = False,
) -> Parameters:
    slopes = gradients(network, parameters, inputs, labels, stacked=stacked)
    return {name: value - rate * slopes[name] for name, value in parameters.items()}


def from_the_whole_matrix(network: nn.Module, after: Parameters, inputs: Tensor, labels: Tensor) -> Prices:
    """From the full Hessian, by central differences of the gradient."""
    copy = deepcopy(network).double().train()
    before = {name: value.detach().clone() for name, value in copy.named_parameters()}
    point = torch.cat([value.flatten() for value in before.values()])
    step = torch.cat([(after[name] - before[name]).flatten() for name in before])

    def gradient(at: Tensor) -> Tensor:
        nn.utils.vector_to_parameters(at, copy.parameters())
        loss = member_losses(copy(inputs.clone()), labels)
        return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(copy.parameters()))])

    shifts = 1e-5 * torch.eye(len(point)).double()
    matrix = torch.stack([gradient(point + shift) - gradient(point - shift) for shift in shifts]) / 2e-5
    owner = {name: place for place, link in enumerate(chain(network)) for name in link.names.values()}
    layers = torch.tensor([owner[name] for name, value in before.items() for _ in value.view(-1)])
    parts = [step * (layers == place) for place in range(max(owner.values()) + 1)]
    own = torch.stack([part @ matrix @ part for part in parts]) / 2
    across = [a @ matrix @ b for i, a in enumerate(parts) for j, b in enumerate(parts) if i != j]
    return Prices(own, torch.stack(across).sum() / 2)


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_agrees_with_the_whole_matrix(random_networks: RandomNetworks, family: str) -> None:
    network, (inputs, labels) = random_networks(family, 1, activation="tanh")[0].double(), examples()
    parameters = {name: value.detach() for name, value in network.named_parameters()}
    after = stepped(network, parameters, inputs, labels, 0.1)
    measured = prices(network, parameters, after, inputs, labels)
    expected = from_the_whole_matrix(network, after, inputs, labels)
    assert measured.own.shape == (4,)
    for value, reference in zip(measured, expected, strict=True):
        assert_close(value, reference, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual", "residual-batch-norm", "looks-linear"])
def test_foretells_the_drops_of_small_steps(random_networks: RandomNetworks, family: str) -> None:
    networks, (inputs, labels) = random_networks(family, 3, activation="tanh"), examples(3)
    parameters = {name: value.double() for name, value in stack(networks).items()}
    errors = []
    for rate in (1e-3, 1e-4):
        after = stepped(networks[0], parameters, inputs, labels, rate, stacked=True)
        measured = drops(networks[0], parameters, after, inputs, labels, stacked=True)
        foretold = prices(networks[0], parameters, after, inputs, labels, stacked=True)
        single = measured.single.sum(0)
        own = (measured.first_order - single) / foretold.own.sum(0)
        others = (single - measured.joint) / foretold.others
        errors.append(torch.stack([own - 1, others - 1]).abs())
    # the third order: its share of the second falls with the rate
    assert (errors[1] < 0.02).all()
    assert (errors[1] < 0.3 * errors[0] + 1e-5).all()


def test_a_stack_is_measured_as_each_member_alone(random_networks: RandomNetworks) -> None:
    networks, (inputs, labels) = random_networks("batch-norm", 3), examples(3)
    parameters = {name: value.double() for name, value in stack(networks).items()}
    after = stepped(networks[0], parameters, inputs, labels, 0.1, stacked=True)
    together = prices(networks[0], parameters, after, inputs, labels, stacked=True)
    for member in range(3):
        ends = unstack(parameters, member), unstack(after, member)
        alone = prices(networks[0], *ends, inputs[member], labels[member])
        assert alone.others.shape == ()
        for value, expected in zip(together, alone, strict=True):
            assert_close(value[..., member], expected, rtol=1e-9, atol=1e-12)


def test_a_users_network_with_another_optimisers_step() -> None:
    below = [nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True)]
    network, (inputs, labels) = nn.Sequential(*below, nn.Linear(6, 4)).double(), examples()
    state = deepcopy(network.state_dict())
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    after = {name: value - 0.01 * value.sign() for name, value in before.items()}
    measured = prices(network, before, after, inputs, labels)
    expected = from_the_whole_matrix(network, after, inputs, labels)
    assert_close(network.state_dict(), state, rtol=0, atol=0)
    for value, reference in zip(measured, expected, strict=True):
        assert_close(value, reference, rtol=1e-6, atol=1e-9)


def test_a_loss_that_does_not_curve_costs_nothing() -> None:
    network = nn.Sequential(nn.Linear(5, 4, bias=False)).double()
    before = {"0.weight": torch.ones(4, 5).double()}
    after = {"0.weight": torch.zeros(4, 5).double()}
    measured = prices(network, before, after, *examples(), loss=lambda outputs, _: outputs.mean())
    assert measured.own.tolist() == [0.0]
    assert measured.others.item() == 0.0
