"""Paths of images, and a network's slope along them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def line(points: int, half_width: float) -> Tensor:
    """Equally spaced inputs `(points, 1)` on [-half_width, half_width].

    >>> line(3, 2.0).tolist()
    [[-2.0], [0.0], [2.0]]
    """
    return torch.linspace(-half_width, half_width, points)[:, None]


def straight_line(start: Tensor, end: Tensor, points: int) -> Tensor:
    """`points` equally spaced images from `start` to `end`, `(pixels,)` each: `(points, pixels)`.

    >>> straight_line(torch.tensor([0.0, 0.0]), torch.tensor([2.0, 4.0]), points=3).tolist()
    [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]
    """
    return torch.lerp(start, end, torch.linspace(0, 1, points, dtype=start.dtype)[:, None])


def rotation(image: Tensor, degrees: float, points: int) -> Tensor:
    """A square image turned about its centre from -`degrees` to `degrees`: `(points, pixels)`.

    >>> rotation(torch.tensor([1.0, 2.0, 3.0, 4.0]), 90.0, points=3).round().tolist()
    [[3.0, 1.0, 4.0, 2.0], [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 1.0, 3.0]]
    """
    angles = torch.linspace(-math.radians(degrees), math.radians(degrees), points, dtype=image.dtype)
    zero = torch.zeros_like(angles)
    rows = [angles.cos(), -angles.sin(), zero, angles.sin(), angles.cos(), zero]
    return _transformed(image, torch.stack(rows, -1).view(points, 2, 3))


def shift(image: Tensor, share: float, points: int) -> Tensor:
    """A square image moved sideways from -`share` to `share` of its side: `(points, pixels)`.

    >>> shift(torch.tensor([1.0, 2.0, 3.0, 4.0]), 0.5, points=3).tolist()
    [[1.0, 1.0, 3.0, 3.0], [1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 4.0, 4.0]]
    """
    moves = torch.linspace(-2 * share, 2 * share, points, dtype=image.dtype)  # half the side is 1
    one, zero = torch.ones_like(moves), torch.zeros_like(moves)
    return _transformed(image, torch.stack([one, zero, moves, zero, one, zero], -1).view(points, 2, 3))


def slopes_along(gradients: Tensor, path: Tensor) -> Tensor:
    r"""The derivative of the output along a path, $g(x_t) \cdot \mathrm{d}x_t / \mathrm{d}t$, t in points.

    Args:
        gradients: `(..., points, pixels)`, with respect to each image.
        path: `(points, pixels)`; its direction is taken by central differences.

    Returns:
        `(..., points)`.

    >>> path = torch.tensor([[0.0], [2.0], [4.0]])
    >>> slopes_along(2 * path, path).tolist()  # of x^2, in steps of 2
    [0.0, 8.0, 16.0]
    """
    (direction,) = torch.gradient(path, dim=0)
    return (gradients * direction).sum(-1)


def _transformed(image: Tensor, maps: Tensor) -> Tensor:
    """Bilinear samples of an image under affine maps `(points, 2, 3)`; outside the edge goes on."""
    side = math.isqrt(image.numel())
    if side**2 != image.numel():
        raise ValueError(f"an image of {image.numel()} pixels is not square; allowed: a square image")
    pictures = image.view(1, 1, side, side).expand(len(maps), -1, -1, -1)
    grid = F.affine_grid(maps, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False).flatten(1)
