"""K-FAC: factors against curvlinops, draws against their distribution, steps against the natural gradient."""

from typing import Any

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


def test_the_damped_factors_share_the_damping_by_their_mean_diagonals() -> None:
    inputs, errors = torch.randn(2, 9, 4).double(), 0.1 * torch.randn(2, 9, 3).double()
    factors, damping = kronecker_factors(inputs, errors), 0.3
    for member, (of_inputs, of_errors) in enumerate(zip(*damped_inverses(*factors, damping), strict=True)):
        a, s = (factor[member] for factor in factors)
        pi = ((a.trace() / 4) / (s.trace() / 3)) ** 0.5
        assert_close(torch.linalg.inv(of_inputs), a + pi * damping**0.5 * torch.eye(4))
        assert_close(torch.linalg.inv(of_errors), s + damping**0.5 / pi * torch.eye(3))


def natural_gradient(network: nn.Sequential, batch: Batch) -> Tensor:
    """Weights and bias, of one linear layer and independent pixels, by the full Fisher matrix."""
    inputs, own = with_ones(batch.inputs[0]), torch.sigmoid(network(batch.inputs[0])).detach()
    of_pixels = torch.diag_embed(own * (1 - own))
    fisher = torch.einsum("bij, bk, bl -> ikjl", of_pixels, inputs, inputs) / len(inputs)
    gradient = (own - batch.labels[0]).T @ inputs / len(inputs)
    size = gradient.numel()
    return torch.linalg.solve(fisher.reshape(size, size), gradient.flatten()).view_as(gradient)


def one_layer(logits: list[float], examples: int) -> tuple[nn.Sequential, Batch]:
    """A layer with weights of zero, so that all examples share one distribution, and gray images."""
    layer = Linear(3, len(logits)).double()
    layer.weight.data.zero_()
    layer.bias.data = torch.tensor(logits).double()
    return nn.Sequential(layer), Batch(
        torch.randn(1, examples, 3).double(), torch.rand(1, examples, len(logits)).double()
    )


def first_step(network: nn.Sequential, batch: Batch) -> Tensor:
    """Weights and bias before the first step at rate 1 and hardly any damping, less those after it."""
    after = kfac(1e-16, 1)(network, stack([network]), batch, {}, torch.ones(1).double()).parameters
    way = {name: value[0] - after[name][0] for name, value in stack([network]).items()}
    return torch.cat([way["0.weight"], way["0.bias"][:, None]], 1)


def test_on_one_linear_layer_the_first_step_is_the_natural_gradient() -> None:
    """Of a pixel of probability 1/2, every drawn g^2 is 1/4: S is exact, and the Fisher matrix is A x S."""
    network, batch = one_layer([0.0], 30)
    expected = natural_gradient(network, batch)
    assert_close(first_step(network, batch), expected, rtol=0, atol=1e-6 * expected.norm().item())


def test_on_one_linear_layer_of_several_pixels_it_is_up_to_the_draw() -> None:
    """Entries of S have a relative standard error of 1 / sqrt(20000) = 0.7 %."""
    network, batch = one_layer([0.5, -1.0, 1.0, 0.0], 20_000)
    expected = natural_gradient(network, batch)
    assert (first_step(network, batch) - expected).norm() < 0.05 * expected.norm()


def test_the_kronecker_product_is_the_fisher_matrix_where_examples_share_a_distribution() -> None:
    network, batch = one_layer([0.5, -1.0, 1.0, 0.0], 30)
    p = torch.tensor([0.5, -1.0, 1.0, 0.0]).double().sigmoid()
    inputs = with_ones(batch.inputs)
    factors = kronecker_factors(inputs, inputs)[0], torch.diag(p * (1 - p))[None]
    of_inputs, of_errors = damped_inverses(*factors, 1e-16)
    gradient = (p - batch.labels).mT @ inputs / 30
    expected = natural_gradient(network, batch)
    found = (of_errors @ gradient @ of_inputs)[0]
    assert_close(found, expected, rtol=0, atol=1e-6 * expected.norm().item())


def plainly_trained(network: nn.Sequential, batches: list[Batch], damping: float, rate: float) -> Tensor:
    """The last layer's weights and bias after K-FAC of that layer alone, written out step by step."""
    *_, weight, bias = network.parameters()
    joint = torch.cat([weight, bias[:, None]], 1).detach()
    mean_a, mean_s, velocity = torch.zeros(7, 7), torch.zeros(4, 4), torch.zeros(4, 7)
    for step, batch in enumerate(batches):
        inputs = with_ones(network[:-1](batch.inputs[0])).detach()
        own = torch.sigmoid(inputs @ joint.T)
        g = own - drawn_labels(own[None], True, step)[0]
        kept = min(1 - 1 / (step + 1), 0.95)
        mean_a = kept * mean_a + (1 - kept) * inputs.T @ inputs / BATCH
        mean_s = kept * mean_s + (1 - kept) * g.T @ g / BATCH
        if step % 20 == 0:
            pi = (mean_a.trace() / 7 / (mean_s.trace() / 4)).item() ** 0.5
            inverse_a = torch.linalg.inv(mean_a + pi * damping**0.5 * torch.eye(7).double())
            inverse_s = torch.linalg.inv(mean_s + damping**0.5 / pi * torch.eye(4).double())
        gradient = (own - batch.labels[0]).T @ inputs / BATCH
        velocity = 0.9 * velocity + inverse_s @ gradient @ inverse_a
        joint = joint - rate * velocity
    return joint


def test_means_inverses_and_momentum_over_many_steps() -> None:
    """The other layers are held where they are, so that the last one's steps can be written out."""
    network, batches = network_of(), [random_batch(images=True) for _ in range(45)]
    start, memory = stack([network]), dict[str, Any]()
    parameters, rates = stack([network]), torch.full((1,), 0.02, dtype=torch.double)
    for batch in batches:
        parameters, memory, *_ = kfac(0.03, 20)(network, parameters, batch, memory, rates)
        parameters |= {name: start[name].clone() for name in start if not name.startswith("5.")}
    found = torch.cat([parameters["5.weight"][0], parameters["5.bias"][0][:, None]], 1)
    assert_close(found, plainly_trained(network, batches, 0.03, 0.02), rtol=0, atol=1e-10)
