"""FOOF against the local problem that it solves, and its two systems against each other."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from movingtarget.networks import stack, unstack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.chain import chain
from movingtarget.training.foof import damped_direction, foof
from movingtarget.training.interface import Batch
from movingtarget.training.signals import Signal, signals_of
from movingtarget.training.simultaneous import gradients_of

MEMBERS = 2
RATES = torch.tensor([0.7, 0.05]).double()


def locally_descended(signal: Signal, weight: Tensor, bias: Tensor, rate: float, damping: float) -> Tensor:
    """Weights and bias of one member's layer where LocoProp-S with a proximal term ends.

    Gradient descent on the mean over examples of half the squared distance from the targets, which lie
    `rate` times the gradient of an example's own loss away, and damping / 2 of the squared way gone.
    """
    inputs, reached, errors = signal
    targets, examples = reached - rate * len(inputs) * errors, len(inputs)
    start = torch.cat([weight, bias[:, None]], 1)
    joint = torch.cat([inputs, torch.ones(examples, 1).double()], 1)
    steepest = torch.linalg.matrix_norm(joint, 2) ** 2 / examples + damping
    moved = start.clone()
    for _ in range(4000):
        residual = joint @ moved.T - targets
        moved -= (residual.T @ joint / examples + damping * (moved - start)) / steepest
    return moved


@pytest.mark.parametrize("examples", [3, 40])
@pytest.mark.parametrize("damping", [0.05, 2.0])
def test_locoprop_s_with_a_proximal_term_comes_to_it_in_the_end(examples: int, damping: float) -> None:
    networks = [initialise_glorot(autoencoder(5, [7, 4, 2]), seed).double() for seed in range(MEMBERS)]
    parameters, links = stack(networks), chain(networks[0])
    inputs = torch.rand(MEMBERS, examples, 5).double()
    _, signals = signals_of(links, parameters, inputs, inputs)
    after = foof(damping)(networks[0], stack(networks), Batch(inputs, inputs), {}, RATES).parameters
    for link, signal in zip(links, signals, strict=True):
        for member, rate in enumerate(RATES.tolist()):
            own = Signal(*(values[member] for values in signal))
            before, then = unstack(parameters, member), unstack(after, member)
            weight, bias = link.names["weight"], link.names["bias"]
            expected = locally_descended(own, before[weight], before[bias], rate, damping)
            assert_close(torch.cat([then[weight], then[bias][:, None]], 1), expected, rtol=0, atol=1e-11)
            assert not torch.equal(then[weight], before[weight])


@given(
    examples=st.integers(1, 12),
    features=st.integers(1, 12),
    outputs=st.integers(1, 12),
    damping=st.floats(1e-3, 1e3),
)
def test_both_systems_are_the_explicit_inverse(
    examples: int, features: int, outputs: int, damping: float
) -> None:
    inputs = torch.randn(MEMBERS, examples, features).double()
    errors = torch.randn(MEMBERS, examples, outputs).double()
    found = damped_direction(inputs, errors, damping)
    for member in range(MEMBERS):
        x, e = inputs[member], errors[member]
        damped = damping * torch.eye(features).double() + x.T @ x / examples
        assert_close(found[member], e.T @ x @ torch.linalg.inv(damped), rtol=1e-9, atol=1e-9)


def test_the_step_does_not_depend_on_how_often_the_examples_are_repeated() -> None:
    network = initialise_glorot(autoencoder(5, [4, 2]), 0).double()
    inputs = torch.rand(1, 6, 5).double()
    steps = []
    for times in (1, 7):
        repeated = inputs.repeat(1, times, 1)
        batch = Batch(repeated, repeated)
        steps.append(foof(0.1)(network, stack([network]), batch, {}, RATES[:1]).parameters)
    assert_close(*steps, rtol=0, atol=1e-13)


def test_much_damping_makes_it_gradient_descent() -> None:
    network = initialise_glorot(autoencoder(5, [4, 2]), 0).double()
    inputs, damping = torch.rand(1, 6, 5).double(), 1e8
    batch = Batch(inputs, inputs)
    _, gradients = gradients_of(network, stack([network]), batch)
    after = foof(damping)(network, stack([network]), batch, {}, torch.tensor([damping])).parameters
    for name, gradient in gradients.items():
        way = stack([network])[name] - after[name]
        assert_close(way, gradient, rtol=1e-6, atol=1e-8)


def test_a_matrix_that_round_off_leaves_indefinite_makes_its_member_nan() -> None:
    inputs = torch.ones(2, 5, 4)
    inputs[1] = torch.eye(5)[:, :4]
    found = damped_direction(inputs * 1e3, torch.ones(2, 5, 3), 1e-9)
    assert found[0].isnan().all()
    assert found[1].isfinite().all()
