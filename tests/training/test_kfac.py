"""K-FAC: factors against curvlinops, draws against their distribution, steps against the natural gradient."""

import pytest
import torch
import torch.nn.functional as F
from curvlinops import KFACLinearOperator
from curvlinops.kfac import FisherType
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.networks import stack
from movingtarget.networks.chain import chain
from movingtarget.networks.layers import Linear
from movingtarget.training.affine import with_ones
from movingtarget.training.interface import Batch
from movingtarget.training.kfac import (
    damped_inverses,
    drawn_labels,
    kfac,
    kronecker_factors,
    sampled_errors,
)
from movingtarget.training.signals import signals_of
from movingtarget.training.simultaneous import gradients_of

BATCH = 11
KINDS = pytest.mark.parametrize("images", [False, True])


def network_of(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [Linear(5, 6), nn.Tanh(), Linear(6, 3), Linear(3, 6), nn.Sigmoid(), Linear(6, 4)]
    return nn.Sequential(*layers).double()


def random_batch(images: bool, members: int = 1, examples: int = BATCH) -> Batch:
    inputs = torch.randn(members, examples, 5).double()
    labels = torch.randint(2 if images else 4, (members, examples, 4)[: 2 + images])
    return Batch(inputs, labels.double() if images else labels)


def by_curvlinops(network: nn.Module, batch: Batch, images: bool) -> dict[str, tuple[Tensor, Tensor]]:
    """Factors with the labels' own gradients, by the layer's name.

    The mean over pixels that binary cross-entropy takes there, ours sums: with the sum as its reduction, its
    factors of errors are sums over examples.
    """
    plain: list[nn.Module] = []
    for part in network.children():
        plain.append(nn.Linear(part.in_features, part.out_features) if isinstance(part, Linear) else part)
    model = nn.Sequential(*plain).double()
    model.load_state_dict(network.state_dict())
    operator = KFACLinearOperator(
        model,
        nn.BCEWithLogitsLoss(reduction="sum") if images else nn.CrossEntropyLoss(reduction="sum"),
        list(model.parameters()),
        [(batch.inputs[0], batch.labels[0])],
        fisher_type=FisherType.EMPIRICAL,
        separate_weight_and_bias=False,
        check_deterministic=False,
    )
    operator.compute_kronecker_factors()
    inputs, errors = operator._input_covariances, operator._gradient_covariances
    return {name: (inputs[name], errors[name] / BATCH) for name in inputs}


@KINDS
def test_factors_are_those_of_curvlinops(images: bool) -> None:
    network, batch = network_of(), random_batch(images)
    _, signals = signals_of(chain(network), stack([network]), *batch)
    theirs = by_curvlinops(network, batch, images)
    assert list(theirs) == ["0", "2", "3", "5"]
    for signal, (inputs, errors) in zip(signals, theirs.values(), strict=True):
        ours = kronecker_factors(with_ones(signal.inputs), BATCH * signal.errors)
        assert_close(ours[0][0], inputs, rtol=0, atol=1e-13)
        assert_close(ours[1][0], errors, rtol=0, atol=1e-13)


@KINDS
def test_errors_at_drawn_labels_are_the_gradients_of_examples_own_losses(images: bool) -> None:
    networks, batch = [network_of(0), network_of(1)], random_batch(images, 2)
    links, parameters = chain(networks[0]), stack([network_of(0), network_of(1)])
    _, signals = signals_of(links, parameters, *batch)
    found = sampled_errors(links, parameters, signals, images, 3)
    logits = torch.stack([network(inputs) for network, inputs in zip(networks, batch.inputs, strict=True)])
    probabilities = (torch.sigmoid(logits) if images else logits.softmax(-1)).detach()
    drawn = drawn_labels(probabilities, images, 3)
    labels = drawn if images else drawn.argmax(-1)
    _, expected = signals_of(links, parameters, batch.inputs, labels)
    for errors, signal in zip(found, expected, strict=True):
        assert_close(errors, BATCH * signal.errors, rtol=0, atol=1e-12)


@KINDS
def test_the_mean_factor_of_many_draws_is_the_covariance_in_closed_form(images: bool) -> None:
    """3000 draws: an entry's standard error is at most 0.25 / sqrt(3000) = 0.0046; 5 of them, seeds fixed."""
    p = torch.tensor([0.1, 0.4, 0.3, 0.2]).double()
    probabilities = p.repeat(2, 300, 1)
    factors = []
    for step in range(10):
        errors = probabilities - drawn_labels(probabilities, images, step)
        factors.append(kronecker_factors(errors, errors)[1])
    closed = torch.diag(p * (1 - p)) if images else torch.diag(p) - p[:, None] * p
    assert_close(torch.stack(factors).mean(0), closed.repeat(2, 1, 1), rtol=0, atol=0.023)


@KINDS
def test_what_is_certain_is_drawn(images: bool) -> None:
    certain = F.one_hot(torch.arange(4)).double()[None]
    for step in range(20):
        assert torch.equal(drawn_labels(certain, images, step), certain)


def test_draws_follow_from_the_step_alone() -> None:
    torch.manual_seed(0)
    probabilities = torch.rand(3, 50, 4).double()
    first = drawn_labels(probabilities, True, 5)
    torch.manual_seed(1)
    assert torch.equal(drawn_labels(probabilities, True, 5), first)
    assert torch.equal(drawn_labels(probabilities[1:2], True, 5), first[1:2])
    assert not torch.equal(drawn_labels(probabilities, True, 6), first)


def test_the_damped_factors_multiply_to_the_damping() -> None:
    """Without factors, pi cancels: of (A + pi sqrt(d) I) x (S + sqrt(d) / pi I), d I is left."""
    inputs, errors = torch.randn(2, 9, 4).double(), 0.1 * torch.randn(2, 9, 3).double()
    factors, damping = kronecker_factors(inputs, errors), 0.3
    for member, (of_inputs, of_errors) in enumerate(zip(*damped_inverses(*factors, damping), strict=True)):
        a, s = (factor[member] for factor in factors)
        pi = ((a.trace() / 4) / (s.trace() / 3)) ** 0.5
        assert_close(torch.linalg.inv(of_inputs), a + pi * damping**0.5 * torch.eye(4))
        assert_close(torch.linalg.inv(of_errors), s + damping**0.5 / pi * torch.eye(3))


def full_fisher(network: nn.Sequential, inputs: Tensor) -> Tensor:
    """Of one linear layer and a softmax: the mean over examples of J^T (diag(p) - p p^T) J, row by row."""
    parts = []
    for x in inputs:
        p = network(x[None])[0].softmax(-1).detach()
        jacobian = torch.kron(torch.eye(len(p)), torch.cat([x, torch.ones(1)])[None])
        parts.append(jacobian.T @ (torch.diag(p) - p[:, None] * p) @ jacobian)
    return torch.stack(parts).mean(0)


def test_on_one_linear_layer_the_first_step_is_the_natural_gradient() -> None:
    """With weights of zero all examples share p, and the Fisher matrix is the product of A and S.

    S is that of drawn labels: 20000 examples bring it near to diag(p) - p p^T, whose null vector, of equal
    logits, the damping rules out; the gradient has no part in it. Tolerance: 5 standard errors of an entry of
    S relative to its smallest eigenvalue that is not zero, about 5 %.
    """
    layer = Linear(3, 4).double()
    network = nn.Sequential(layer)
    layer.weight.data.zero_()
    layer.bias.data = torch.tensor([0.3, -0.2, 0.1, 0.0]).double()
    examples, damping = 20_000, 1e-12
    inputs = torch.randn(1, examples, 3).double()
    batch = Batch(inputs, torch.randint(4, (1, examples)))
    _, gradients = gradients_of(network, stack([network]), batch)
    gradient = torch.cat([gradients["0.weight"][0], gradients["0.bias"][0][:, None]], 1)
    fisher = full_fisher(network, inputs[0, :2000])  # enough for A: compared with all by the solution below
    a = with_ones(inputs)[0].T @ with_ones(inputs)[0] / examples
    p = layer.bias.data.softmax(-1)
    exact = torch.kron(torch.diag(p) - p[:, None] * p, a)
    assert_close(fisher, exact, rtol=0, atol=0.02)
    expected = (torch.linalg.pinv(exact) @ gradient.flatten()).view(4, 4)
    after = kfac(damping)(network, stack([network]), batch, {}, torch.ones(1).double()).parameters
    before = stack([network])
    way = [(before[name] - after[name])[0] for name in ("0.weight", "0.bias")]
    found = torch.cat([way[0], way[1][:, None]], 1)
    assert (found - expected).norm() < 0.05 * expected.norm()
    assert (found - gradient).norm() > expected.norm() / 2
