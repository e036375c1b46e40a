"""Paths of images and slopes along them."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from movingtarget.measures.autocorrelation import gradient_autocorrelation
from movingtarget.measures.input_gradient import input_gradients
from movingtarget.measures.paths import rotation, shift, slopes_along, straight_line
from movingtarget.networks import Architecture, build_random, stack


def picture(side: int, seed: int = 0) -> Tensor:
    return torch.randn(side, side, generator=torch.Generator().manual_seed(seed)).double()


def test_straight_line_has_its_ends_and_equal_steps() -> None:
    start, end = picture(3).flatten(), picture(3, 1).flatten()
    path = straight_line(start, end, 5)
    assert path.shape == (5, 9)
    assert torch.equal(path[0], start)
    assert torch.equal(path[-1], end)
    assert_close(path.diff(dim=0), ((end - start) / 4).expand(4, -1))
    assert torch.equal(straight_line(start, end, 2), torch.stack([start, end]))


@pytest.mark.parametrize("side", [1, 4, 7])
def test_middle_of_rotation_and_shift_is_the_image(side: int) -> None:
    image = picture(side).flatten()
    assert_close(rotation(image, 30, 5)[2], image, rtol=0, atol=1e-12)
    assert_close(shift(image, 0.3, 5)[2], image, rtol=0, atol=1e-12)
    assert_close(rotation(image, 0, 3), image.expand(3, -1), rtol=0, atol=1e-12)
    assert_close(shift(image, 0, 3), image.expand(3, -1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("side", [4, 5])
def test_right_angles_turn_the_pixels_exactly(side: int) -> None:
    image = picture(side)
    first, _, last = rotation(image.flatten(), 90, 3).view(3, side, side)
    assert_close(first, torch.rot90(last, 2), rtol=0, atol=1e-12)
    assert any(torch.allclose(last, image.rot90(turn), rtol=0, atol=1e-12) for turn in (1, -1))


def test_mirrored_image_turns_the_other_way() -> None:
    image = picture(6)
    path = rotation(image.flatten(), 25, 7).view(7, 6, 6)
    mirrored = rotation(image.flip(1).flatten(), 25, 7).view(7, 6, 6)
    assert_close(mirrored, path.flip(0).flip(2), rtol=0, atol=1e-12)
    assert not torch.allclose(path, path.flip(0), atol=0.1)


def test_turning_back_restores_a_smooth_image() -> None:
    axis = torch.linspace(-1, 1, 41).double()
    blob = torch.exp(-8 * ((axis[:, None] - 0.2) ** 2 + (axis + 0.1) ** 2)).flatten()
    turned = rotation(blob, 20, 2)
    assert (turned[0] - blob).abs().max() > 0.1
    # two bilinear interpolations of a smooth image, each off by about the square of a pixel
    assert_close(rotation(turned[0], 20, 2)[1], blob, rtol=0, atol=0.03)


@pytest.mark.parametrize("pixels", [1, 2])
def test_whole_pixels_move_the_picture_exactly(pixels: int) -> None:
    image = picture(5)
    first, _, last = shift(image.flatten(), pixels / 5, 3).view(3, 5, 5)
    assert_close(first[:, pixels:], image[:, :-pixels], rtol=0, atol=1e-12)
    assert_close(last[:, :-pixels], image[:, pixels:], rtol=0, atol=1e-12)
    # outside, the edge goes on
    assert_close(first[:, :pixels], image[:, :1].expand(-1, pixels), rtol=0, atol=1e-12)
    assert_close(last[:, -pixels:], image[:, -1:].expand(-1, pixels), rtol=0, atol=1e-12)


def test_half_a_pixel_is_the_mean_of_two() -> None:
    image = picture(4)
    last = shift(image.flatten(), 0.5 / 4, 2)[1].view(4, 4)
    assert_close(last[:, :-1], (image[:, :-1] + image[:, 1:]) / 2, rtol=0, atol=1e-12)


def test_oblong_image_is_refused() -> None:
    for transform in (rotation, shift):
        with pytest.raises(ValueError, match="an image of 12 pixels is not square; allowed: a square image"):
            transform(torch.zeros(12), 0.1, 3)


def test_slopes_are_differences_of_the_output() -> None:
    network = build_random(Architecture("plain", 9, 8, 3, 4, "tanh"), 2).double()
    start, end = picture(3).flatten(), picture(3, 1).flatten()
    path = straight_line(start, end, 6)
    slopes = slopes_along(input_gradients(network, stack([network]), path, stacked=True), path)
    step = 1e-5
    ahead, behind = (network(path + sign * step * (end - start) / 5).sum(-1) for sign in (1, -1))
    assert slopes.shape == (1, 6)
    assert_close(slopes[0], ((ahead - behind) / (2 * step)).detach(), rtol=1e-7, atol=1e-8)


def test_direction_of_a_bent_path_is_by_central_differences() -> None:
    steps = torch.arange(6).double()[:, None]
    direction, gradient = torch.tensor([1.0, -2.0]).double(), torch.tensor([3.0, 0.5]).double()
    slopes = slopes_along(gradient.expand(2, 6, 2), steps**2 * direction)
    # central differences of a square are exact, those at the two ends are one-sided
    expected = torch.tensor([1.0, 2, 4, 6, 8, 9])
    assert_close(slopes, expected.double().expand(2, -1) * (direction @ gradient))


def test_constant_slope_has_no_autocorrelation() -> None:
    # integers, so that the slope is constant without rounding
    path = straight_line(torch.zeros(4).double(), torch.full((4,), 8.0).double(), 9)
    gradients = torch.tensor([1.0, 2.0, -5.0, 3.0]).double().expand(3, 9, 4)
    slopes = slopes_along(gradients, path)
    assert torch.equal(slopes, torch.ones(3, 9).double())
    assert gradient_autocorrelation(slopes, 2).isnan().all()


def test_paths_of_images_of_any_shape() -> None:
    start, end = torch.randn(2, 3, 4, 4).double()
    path = straight_line(start, end, 5)
    assert path.shape == (5, 3, 4, 4)
    assert_close(path.flatten(1), straight_line(start.flatten(), end.flatten(), 5), rtol=0, atol=0)
    gradients = torch.randn(2, 5, 3, 4, 4).double()
    expected = slopes_along(gradients.flatten(2), path.flatten(1))
    assert_close(slopes_along(gradients, path), expected, rtol=0, atol=1e-12)
    image = torch.rand(1, 4, 4)
    for move in (rotation, shift):
        assert torch.equal(move(image, 0.3, 3), move(image.flatten(), 0.3, 3))


def test_a_line_of_numbers_has_slopes() -> None:
    path = torch.linspace(0, 1, 5)
    assert_close(slopes_along(2 * path, path), path / 2, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float, torch.double])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_paths_are_of_their_images_kind(dtype: torch.dtype, device: str) -> None:
    image = torch.ones(4, dtype=dtype, device=device)
    for path in (straight_line(image, 2 * image, 3), rotation(image, 10.0, 3), shift(image, 0.2, 3)):
        assert path.dtype == dtype
        assert path.device.type == device
        assert path.shape == (3, 4)


def test_slopes_of_half_precision_do_not_underflow() -> None:
    path = 1e-4 * torch.arange(5).half()[:, None]
    slopes = slopes_along(1e-4 * torch.ones(5, 1).half(), path)
    assert slopes.tolist() == pytest.approx([1e-8] * 5, rel=0.01)


def test_what_makes_no_path_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the line's ends are 4 and 5; allowed: one shape$"):
        straight_line(torch.zeros(4), torch.zeros(5), 3)
    with pytest.raises(ValueError, match=r"^the image is of torch.int64; allowed: floating-point numbers$"):
        straight_line(torch.zeros(4).long(), torch.ones(4).long(), 3)
    with pytest.raises(ValueError, match=r"^gradients are 3x4, the path is 3x5; allowed: two points or more"):
        slopes_along(torch.zeros(3, 4), torch.zeros(3, 5))
    with pytest.raises(
        ValueError, match=r"^an image of 4x4x4 pixels is not square; allowed: a square image$"
    ):
        shift(torch.zeros(4, 4, 4), 0.1, 3)
