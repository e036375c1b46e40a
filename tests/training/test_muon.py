"""Muon against torch's own, and its orthogonalisation against the singular value decomposition."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim._muon import _zeropower_via_newtonschulz
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.training import muon as module
from movingtarget.training.interface import Batch
from movingtarget.training.muon import muon, orthogonalisation_flops, orthogonalise
from movingtarget.training.simultaneous import backpropagation_cost

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, BATCH, DEPTH, STEPS = 3, 16, 3, 4
RATES = torch.tensor([0.2, 0.05, 0.01])
FAMILIES = ("plain", "batch-norm", "residual-batch-norm")


def random_batches() -> list[Batch]:
    source = torch.Generator().manual_seed(1)
    return [
        Batch(
            torch.randn(MEMBERS, BATCH, 5, generator=source),
            torch.randint(4, (MEMBERS, BATCH), generator=source),
        )
        for _ in range(STEPS)
    ]


def trained(networks: list[nn.Module], members: slice = slice(None)) -> Parameters:
    parameters, memory = stack(networks), dict[str, Tensor]()
    for inputs, labels in random_batches():
        batch = Batch(inputs[members], labels[members])
        outcome = muon(networks[0], parameters, batch, memory, RATES[members])
        parameters, memory = outcome.parameters, outcome.memory
    return parameters


def trained_by_torch(network: nn.Module, member: int) -> Parameters:
    """One member trained by torch.optim.Muon, and by its gradient descent where there is no matrix."""
    network = deepcopy(network)
    values, rate = list(network.parameters()), RATES[member].item()
    matrices, others = ([value for value in values if (value.dim() == 2) == two] for two in (True, False))
    optimisers = [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.0),
        torch.optim.SGD(others, lr=rate),
    ]
    for inputs, labels in random_batches():
        network.zero_grad()
        F.cross_entropy(network(inputs[member]), labels[member]).backward()  # type: ignore[no-untyped-call]
        for optimiser in optimisers:
            optimiser.step()
    return {name: value.detach() for name, value in network.named_parameters()}


@pytest.mark.parametrize("family", FAMILIES)
def test_it_does_as_torch_does(
    random_networks: RandomNetworks, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With torch's half precision taken from it only round-off is left."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    networks = random_networks(family, MEMBERS, DEPTH)
    start, ours = stack(networks), trained(networks)
    for member, network in enumerate(networks):
        theirs = trained_by_torch(network, member)
        torch.testing.assert_close(unstack(ours, member), theirs, rtol=1e-3, atol=1e-4)
        matrices = {name: value for name, value in theirs.items() if value.dim() == 2}
        assert not any(torch.equal(value, start[name][member]) for name, value in matrices.items())


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (64, 10)])
def test_the_direction_is_torchs_up_to_its_half_precision(shape: tuple[int, int]) -> None:
    """bfloat16 has 8 bits: of well-conditioned matrices, directions agree to 2 % of their length."""
    matrix = torch.randn(shape)
    theirs = _zeropower_via_newtonschulz(matrix, module.COEFFICIENTS, module.ITERATIONS, module.SMALLEST_NORM)
    assert theirs.dtype == torch.bfloat16
    assert (orthogonalise(matrix) - theirs.float()).norm() < 0.02 * theirs.float().norm()


def test_a_stack_moves_as_each_member_alone(random_networks: RandomNetworks) -> None:
    networks = random_networks("residual-batch-norm", MEMBERS, DEPTH)
    together = trained(networks)
    for member, network in enumerate(networks):
        alone = trained([network], members=slice(member, member + 1))
        torch.testing.assert_close(unstack(together, member), unstack(alone, 0), rtol=1e-4, atol=1e-5)


@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    scale=st.floats(1e-4, 1e4),
    seed=st.integers(0, 2**31),
)
def test_singular_vectors_stay_and_values_go_to_about_one(
    shape: tuple[int, int], scale: float, seed: int
) -> None:
    """What is large enough of the spectrum; the iterations leave singular values below 1 % behind."""
    source = torch.Generator().manual_seed(seed)
    left, values, right = torch.linalg.svd(torch.randn(shape, generator=source).double(), full_matrices=False)
    values = values.clamp(min=0.05 * values.max()) * scale
    found = orthogonalise(left * values @ right)
    along = left.mT @ found @ right.mT
    kept = along.diagonal()
    assert (along - kept.diag()).abs().max() < 1e-6
    assert kept.min() > 0.6
    assert kept.max() < 1.3


def test_the_iteration_is_that_of_the_formula() -> None:
    """On a diagonal matrix it is a polynomial of each singular value."""
    values = torch.tensor([3.0, 2.0, 0.5, 0.1]).double()
    expected = values / values.norm()
    for _ in range(5):
        expected = 3.4445 * expected - 4.7750 * expected**3 + 2.0315 * expected**5
    torch.testing.assert_close(orthogonalise(values.diag()).diagonal(), expected)


def test_a_matrix_of_zeros_stays_one() -> None:
    assert torch.equal(orthogonalise(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


@pytest.mark.parametrize("shape", [(3, 6, 5), (3, 5, 6), (3, 1, 7), (3, 4, 4)])
def test_flops_of_the_orthogonalisation(shape: tuple[int, ...]) -> None:
    with FlopCounterMode(display=False) as counter:
        orthogonalise(torch.randn(shape))
    gradients = {"weight": torch.randn(shape), "bias": torch.randn(shape[:2])}
    assert orthogonalisation_flops(gradients) == counter.get_total_flops() / shape[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_cost(random_networks: RandomNetworks, family: str) -> None:
    networks, batch = random_networks(family, MEMBERS, DEPTH), random_batches()[0]
    with FlopCounterMode(display=False) as counter:
        outcome = muon(networks[0], stack(networks), batch, {}, RATES)
    assert outcome.cost.flops == counter.get_total_flops() / MEMBERS
    assert outcome.cost.gradient_evaluations == 1
    assert outcome.cost.flops > backpropagation_cost(networks[0], BATCH).flops


def test_memory_has_the_momenta_of_matrices_alone_and_others_are_left(
    random_networks: RandomNetworks,
) -> None:
    networks, batch = random_networks("batch-norm", MEMBERS, DEPTH), random_batches()[0]
    parameters = stack(networks)
    outcome = muon(networks[0], parameters, batch, {"step": torch.tensor(7)}, RATES)
    matrices = {name for name, value in parameters.items() if value.dim() == 3}
    assert set(outcome.memory) == matrices | {"step"}
    assert not any(value.requires_grad for value in [*outcome.memory.values(), *parameters.values()])
