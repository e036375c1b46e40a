"""Losses of images to be reconstructed, written out, and the floor under them."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from movingtarget.networks.losses import differentiate, entropy_floor, member_losses


def images(members: int = 2, batch: int = 5, pixels: int = 3) -> Tensor:
    drawn = torch.rand(members, batch, pixels, generator=torch.Generator().manual_seed(0)).double()
    drawn[0, 0] = torch.tensor([0.0, 1.0, 0.5])
    return drawn


def logits() -> Tensor:
    return 3 * torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1)).double()


def test_of_images_it_is_the_cross_entropy_summed_over_pixels_and_averaged_over_images() -> None:
    losses = member_losses(logits(), images())
    for member in range(2):
        total = 0.0
        pairs = zip(images()[member].flatten().tolist(), logits()[member].flatten().tolist(), strict=True)
        for pixel, logit in pairs:
            reached = 1 / (1 + math.exp(-logit))
            total -= pixel * math.log(reached) + (1 - pixel) * math.log(1 - reached)
        assert losses[member].item() == pytest.approx(total / 5, rel=1e-13)


def test_its_gradient_is_what_the_sigmoids_miss_over_the_examples() -> None:
    _, gradients = differentiate(lambda leaves: member_losses(leaves["a"], images()), {"a": logits()})
    assert_close(gradients["a"], (logits().sigmoid() - images()) / 5, rtol=0, atol=1e-15)


def test_logits_of_any_size_have_a_finite_loss() -> None:
    huge = torch.tensor([[1e4, -1e4]])
    assert member_losses(huge, torch.tensor([[1.0, 0.0]])) == 0
    assert member_losses(huge, torch.tensor([[0.0, 1.0]])) == 2e4


def test_no_logits_come_below_the_floor_and_the_images_own_reach_it() -> None:
    inside = images()[0].clamp(1e-9, 1 - 1e-9)
    floor = entropy_floor(inside)
    assert member_losses(inside.logit(), inside).item() == pytest.approx(floor, rel=1e-9)
    for seed in range(20):
        moved = inside.logit() + 0.1 * torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))
        assert member_losses(moved, inside).item() > floor


def test_black_and_white_images_have_the_floor_zero_and_grey_ones_log_two_a_pixel() -> None:
    assert entropy_floor(torch.tensor([[0.0, 1.0], [1.0, 1.0]])) == 0
    assert entropy_floor(torch.full((7, 4), 0.5)) == pytest.approx(4 * math.log(2), rel=1e-6)
