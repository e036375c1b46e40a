"""In which directions the strokes of an image run: what a read-out by hand would look at."""

import math

import torch
from torch import Tensor


def stroke_directions(images: Tensor, directions: int, cells: int) -> Tensor:
    r"""Shares of the edges of an image by direction, in each cell of a coarse grid.

    At every pixel the gradient is taken by central differences, one-sided at the border. Its angle modulo
    $\pi$ (light to dark or dark to light is the same edge) falls into one of the bins, whose middles are
    0, $\pi / d$, ...; its norm is what it adds there. The sums are divided by that of the whole image.

    Args:
        images: `(images, side, side)`.
        directions: d, the number of bins; in the first, edges are upright.
        cells: along each side of the grid; 1 for the image as a whole.

    Returns:
        `(images, cells * cells * directions)`, cells row by row; zero for an image without edges.

    Raises:
        ValueError: there are more cells than pixels along a side.

    Source: after Dalal & Triggs 2005 (histograms of oriented gradients), without their overlapping blocks.

    >>> upright = torch.tensor([[[0.0, 1.0, 1.0]] * 3])
    >>> stroke_directions(upright, directions=4, cells=1).tolist()
    [[1.0, 0.0, 0.0, 0.0]]
    """
    side = images.shape[-1]
    if cells > side:
        raise ValueError(f"cells is {cells}; allowed: 1 to {side}, the pixels along a side")
    down, right = torch.gradient(images, dim=(-2, -1))
    bins = (torch.atan2(down, right) * directions / math.pi).round().long() % directions
    places = torch.arange(side, device=images.device) * cells // side
    cell = places[:, None] * cells + places
    strength = torch.hypot(down, right).flatten(1)
    index = (cell * directions + bins).flatten(1)
    sums = strength.new_zeros(len(images), cells**2 * directions).scatter_add_(1, index, strength)
    return sums / sums.sum(1, keepdim=True).clamp(min=torch.finfo(sums.dtype).tiny)
