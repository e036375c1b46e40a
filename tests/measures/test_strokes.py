import math

import pytest
import torch
from torch import Tensor

from movingtarget.measures.strokes import stroke_directions


def one_by_one(image: Tensor, directions: int, cells: int) -> list[float]:
    """By loops over pixels, differences written out."""
    side = len(image)
    sums = [0.0] * (cells * cells * directions)

    def slope(values: list[float], place: int) -> float:
        low, high = max(place - 1, 0), min(place + 1, side - 1)
        return (values[high] - values[low]) / (high - low)

    for row in range(side):
        for column in range(side):
            right = slope(image[row].tolist(), column)
            down = slope(image[:, column].tolist(), row)
            angle = math.atan2(down, right) % math.pi
            place = round(angle / math.pi * directions) % directions
            cell = (row * cells // side) * cells + column * cells // side
            sums[cell * directions + place] += math.hypot(down, right)
    return [value / sum(sums) for value in sums]


@pytest.mark.parametrize(("side", "cells"), [(7, 1), (7, 3), (8, 2)])
def test_agrees_with_loops(side: int, cells: int) -> None:
    images = torch.randn(4, side, side, generator=torch.Generator().manual_seed(0)).double()
    found = stroke_directions(images.float(), 8, cells)
    assert found.shape == (4, cells * cells * 8)
    for image, shares in zip(images, found, strict=True):
        assert shares.tolist() == pytest.approx(one_by_one(image, 8, cells), abs=1e-6)


def test_a_quarter_turn_moves_directions_by_half_a_turn_of_bins() -> None:
    images = torch.randn(3, 9, 9, generator=torch.Generator().manual_seed(1))
    turned = stroke_directions(images.rot90(1, (-2, -1)), 8, 1)
    torch.testing.assert_close(turned, stroke_directions(images, 8, 1).roll(4, -1))


def test_brightness_and_contrast_do_not_count() -> None:
    images = torch.randn(3, 9, 9, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(stroke_directions(1 - 3 * images, 8, 3), stroke_directions(images, 8, 3))


def test_an_image_without_edges_has_none() -> None:
    assert stroke_directions(torch.ones(1, 4, 4), 4, 2).tolist() == [[0.0] * 16]


def test_more_cells_than_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="cells is 5; allowed: 1 to 4, the pixels along a side"):
        stroke_directions(torch.ones(1, 4, 4), 4, 5)
