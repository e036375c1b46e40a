"""Shampoo's first step and its roots; against the library and for its cost see test_optimisers.py."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from movingtarget.networks import stack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.training.interface import Batch
from movingtarget.training.shampoo import inverse_roots, shampoo
from movingtarget.training.simultaneous import gradients_of

EPSILON = 1e-2
RATES = torch.tensor([0.03, 0.01]).double()


def test_the_first_step_is_that_of_the_formula() -> None:
    networks = [initialise_glorot(autoencoder(6, [5, 3]), seed).double() for seed in range(2)]
    images = torch.rand(2, 16, 6).double()
    start, batch = stack(networks), Batch(images, images)
    _, gradients = gradients_of(networks[0], start, batch)
    after = shampoo(EPSILON, 3)(networks[0], stack(networks), batch, {}, RATES).parameters
    for name, gradient in gradients.items():
        for member, g in enumerate(gradient):
            step = _root(g @ g.T, 4) @ g @ _root(g.T @ g, 4) if g.dim() == 2 else _root(g.outer(g), 2) @ g
            assert_close(after[name][member], start[name][member] - RATES[member] * step)


def _root(matrix: Tensor, order: int) -> Tensor:
    """By singular values."""
    left, values, right = torch.linalg.svd(matrix + EPSILON * torch.eye(len(matrix)))
    return left * values ** (-1 / order) @ right


@pytest.mark.parametrize("order", [2, 4])
def test_powers_of_a_root_give_the_inverse(order: int) -> None:
    half = torch.randn(7, 7).double()
    matrix = half @ half.T + EPSILON * torch.eye(7)
    root = inverse_roots(matrix, EPSILON, order)
    assert_close(torch.linalg.matrix_power(root, order) @ matrix, torch.eye(7).double())


def test_round_off_below_the_least_eigenvalue_does_not_count() -> None:
    direction = 100 * torch.randn(30)
    matrix = direction.outer(direction) + 1e-4 * torch.eye(30)  # whose least eigenvalues round-off covers
    assert torch.linalg.eigvalsh(matrix).min() < 0
    root = inverse_roots(matrix, 1e-4, 4)
    assert root.isfinite().all()
    assert torch.linalg.eigvalsh(root).max() == pytest.approx(10, rel=1e-4)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_has_no_root(value: float) -> None:
    matrices = torch.eye(3).repeat(2, 1, 1)
    matrices[0, 0, 1] = value
    roots = inverse_roots(matrices, EPSILON, 4)
    assert roots[0].isnan().all()
    assert_close(roots[1], torch.eye(3))
