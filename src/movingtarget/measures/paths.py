"""Paths of images, and a network's slope along them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from movingtarget.measures.given import size


def line(points: int, half_width: float) -> Tensor:
    """Equally spaced inputs `(points, 1)` on [-half_width, half_width].

    >>> line(3, 2.0).tolist()
    [[-2.0], [0.0], [2.0]]
    """
    return torch.linspace(-half_width, half_width, points)[:, None]


def straight_line(start: Tensor, end: Tensor, points: int) -> Tensor:
    """`points` equally spaced images from `start` to `end`, of one shape: `(points, ...)`.

    Raises:
        ValueError: the shapes differ, or the images are no floating-point numbers.

    >>> straight_line(torch.tensor([0.0, 0.0]), torch.tensor([2.0, 4.0]), points=3).tolist()
    [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]
    """
    if start.shape != end.shape:
        raise ValueError(f"the line's ends are {size(start)} and {size(end)}; allowed: one shape")
    _check_floating(start)
    shares = torch.linspace(0, 1, points, dtype=start.dtype, device=start.device)
    return torch.lerp(start, end, shares.view(-1, *[1] * start.dim()))


def rotation(image: Tensor, degrees: float, points: int) -> Tensor:
    """A square image turned about its centre from -`degrees` to `degrees`: `(points, pixels)`.

    >>> rotation(torch.tensor([1.0, 2.0, 3.0, 4.0]), 90.0, points=3).round().tolist()
    [[3.0, 1.0, 4.0, 2.0], [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 1.0, 3.0]]
    """
    angles = _steps(math.radians(degrees), points, image)
    zero = torch.zeros_like(angles)
    rows = [angles.cos(), -angles.sin(), zero, angles.sin(), angles.cos(), zero]
    return _transformed(image, torch.stack(rows, -1).view(points, 2, 3))


def shift(image: Tensor, share: float, points: int) -> Tensor:
    """A square image moved sideways from -`share` to `share` of its side: `(points, pixels)`.

    >>> shift(torch.tensor([1.0, 2.0, 3.0, 4.0]), 0.5, points=3).tolist()
    [[1.0, 1.0, 3.0, 3.0], [1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 4.0, 4.0]]
    """
    moves = _steps(2 * share, points, image)  # half the side is 1
    one, zero = torch.ones_like(moves), torch.zeros_like(moves)
    return _transformed(image, torch.stack([one, zero, moves, zero, one, zero], -1).view(points, 2, 3))


def slopes_along(gradients: Tensor, path: Tensor) -> Tensor:
    r"""The derivative of the output along a path, $g(x_t) \cdot \mathrm{d}x_t / \mathrm{d}t$, t in points.

    Args:
        gradients: `(..., points, ...)`, with respect to each image; further axes may lead.
        path: `(points, ...)`, two or more; its direction is taken by central differences.

    Returns:
        `(..., points)`, in single precision at least.

    Raises:
        ValueError: the gradients are not those of images on the path.

    >>> path = torch.tensor([[0.0], [2.0], [4.0]])
    >>> slopes_along(2 * path, path).tolist()  # of x^2, in steps of 2
    [0.0, 8.0, 16.0]
    """
    if gradients.shape[gradients.dim() - path.dim() :] != path.shape or len(path) < 2:
        raise ValueError(
            f"gradients are {size(gradients)}, the path is {size(path)}; allowed: two points or more, and a "
            "gradient for each"
        )
    (direction,) = torch.gradient(path, dim=0)
    single = torch.promote_types(gradients.dtype, torch.float32)
    products = gradients.to(single) * direction
    return products.flatten(gradients.dim() - path.dim() + 1).sum(-1) if path.dim() > 1 else products


def _check_floating(image: Tensor) -> None:
    if not image.is_floating_point():
        raise ValueError(f"the image is of {image.dtype}; allowed: floating-point numbers")


def _steps(half_width: float, points: int, image: Tensor) -> Tensor:
    _check_floating(image)
    return torch.linspace(-half_width, half_width, points, dtype=image.dtype, device=image.device)


def _transformed(image: Tensor, maps: Tensor) -> Tensor:
    """Bilinear samples of an image under affine maps `(points, 2, 3)`; outside the edge goes on."""
    side = math.isqrt(image.numel())
    if side**2 != image.numel() or image.shape[-2:] not in ((side, side), (image.numel(),)):
        raise ValueError(f"an image of {size(image)} pixels is not square; allowed: a square image")
    pictures = image.reshape(1, 1, side, side).expand(len(maps), -1, -1, -1)
    grid = F.affine_grid(maps, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False).flatten(1)
