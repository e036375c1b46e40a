from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from network_cases import PERCEPTRONS
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.networks import stack
from movingtarget.training.interface import Batch
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH, DEPTH, STEPS = 3, 8, 3, 6
RATES = [0.5, 0.1, 0.02]


class TorchResidual(nn.Module):
    """The residual families written with torch's own layers only."""

    def __init__(self, normalisation: type[nn.Module], beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.stem = nn.Linear(5, 6)
        self.branches = nn.ModuleList(
            nn.Sequential(normalisation(6), nn.Tanh(), nn.Linear(6, 6)) for _ in range(DEPTH - 1)
        )
        self.head = nn.Sequential(normalisation(6), nn.Tanh(), nn.Linear(6, 4))

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits."""
        stream = self.stem(inputs)
        for branch in self.branches:
            stream = stream + self.beta * branch(stream)
        return self.head(stream)  # type: ignore[no-any-return]


class TorchConcatenatedReLU(nn.Module):
    """CReLU written with torch's own functions only."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Twice as many features."""
        return torch.cat([F.relu(inputs), F.relu(-inputs)], 1)


def torch_network(family: str) -> nn.Module:
    """The family's network made of torch's own layers, parameters in the same order as ours."""
    if family == "residual":
        return TorchResidual(nn.Identity, DEPTH**-0.5)
    if family == "residual-unscaled":
        return TorchResidual(nn.Identity, 1.0)
    if family == "residual-batch-norm":
        return TorchResidual(nn.BatchNorm1d, 1.0)
    normalisation = nn.BatchNorm1d if family == "batch-norm" else nn.Identity
    own: dict[str, type[nn.Module]] = {
        "crelu": TorchConcatenatedReLU,
        "looks-linear": TorchConcatenatedReLU,
        "linear": nn.Identity,
    }
    activation = own.get(family, nn.Tanh)
    width = 12 if activation is TorchConcatenatedReLU else 6
    sizes = [5] + [width] * (DEPTH - 1)
    layers = [[*torch_map(family, below), normalisation(6), activation()] for below in sizes]
    return nn.Sequential(*(nn.Sequential(*layer) for layer in layers), nn.Linear(width, 4))


def torch_map(family: str, below: int) -> list[nn.Module]:
    """A hidden layer's affine map to 6 units, of rank 1 in the low-rank family."""
    if family == "low-rank":
        return [nn.Linear(below, 1, bias=False), nn.Linear(1, 6)]
    return [nn.Linear(below, 6)]


def trained_by_torch(theirs: nn.Module, ours: nn.Module, batches: list[Batch], rate: float) -> list[float]:
    """Losses of the loop everybody writes, from our parameters; `theirs` holds the trained ones."""
    for value, start in zip(theirs.parameters(), ours.parameters(), strict=True):
        value.data.copy_(start)
    optimiser, losses = torch.optim.SGD(theirs.parameters(), lr=rate), []
    for inputs, labels in batches:
        optimiser.zero_grad()
        loss = F.cross_entropy(theirs(inputs), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_a_stack_trains_as_torch_trains_each_member(random_networks: RandomNetworks, family: str) -> None:
    networks = [network.double() for network in random_networks(family, MEMBERS, DEPTH)]
    batches = [
        Batch(torch.randn(MEMBERS, BATCH, 5).double(), torch.randint(4, (MEMBERS, BATCH)))
        for _ in range(STEPS)
    ]
    parameters, losses = stack(networks), []
    for batch in batches:
        outcome = simultaneous(networks[0], parameters, batch, {}, torch.tensor(RATES).double())
        parameters = outcome.parameters
        losses.append(outcome.loss)
    for member, network in enumerate(networks):
        theirs = torch_network(family).double()
        own = [Batch(inputs[member], labels[member]) for inputs, labels in batches]
        their_losses = trained_by_torch(theirs, network, own, torch.tensor(RATES)[member].item())
        # float64, six steps: round-off only
        assert_close(torch.stack(losses)[:, member].tolist(), their_losses, rtol=0, atol=1e-10)
        for value, expected in zip(parameters.values(), theirs.parameters(), strict=True):
            assert_close(value[member], expected.detach(), rtol=0, atol=1e-10)


def test_the_step_leaves_nothing_that_wants_a_gradient(random_networks: RandomNetworks) -> None:
    networks = random_networks("batch-norm", 2)
    batch = Batch(torch.randn(2, BATCH, 5), torch.randint(4, (2, BATCH)))
    outcome = simultaneous(networks[0], stack(networks), batch, {}, torch.tensor([0.1, 0.2]))
    assert not any(value.requires_grad for value in [*outcome.parameters.values(), outcome.loss])
    assert outcome.memory == {}
