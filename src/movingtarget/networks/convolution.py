"""Convolutional networks that can be trained in a stack: convolutions and an output layer."""

from collections.abc import Sequence
from math import isqrt
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.layers import ACTIVATIONS, Linear

if TYPE_CHECKING:
    from movingtarget.networks.build import Architecture

KERNEL = 3

MAP_SIDE = 4
"""Of the maps of every layer of a convolution of patches."""


class Convolution(Linear):
    """Convolution of one member or of a stack: one affine map of every patch, zero beyond the border.

    Maps come and go flat, channels outermost, so that it works on `(..., batch, features)` as any layer here.
    The weight is `(channels out, kernel^2 x channels in)`, of a stack with a leading axis of members.

    Args:
        side: height and width of the maps that come in.
        inputs: their channels.
        channels: of the maps that go out; their side is `side_above`.
        kernel: height and width of a patch.
        stride: from one patch to the next.
        padding: rows and columns of zeros on each border.

    >>> Convolution(side=8, inputs=1, channels=3, kernel=3, stride=2, padding=1).side_above
    4
    """

    def __init__(
        self, side: int, inputs: int, channels: int, kernel: int, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__(kernel**2 * inputs, channels)
        self.side, self.inputs = side, inputs
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self.side_above = (side + 2 * padding - kernel) // stride + 1
        self.places = self.side_above**2

    @property
    def features(self) -> int:
        """Of one example that comes in."""
        return self.inputs * self.side**2

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, features)`; inputs as for `Linear`."""
        if self.weight.dim() == 2:
            maps = self._convolve(inputs.reshape(-1, inputs.shape[-1]), groups=1)
            return maps.reshape(*inputs.shape[:-1], -1)
        members = self.weight.shape[0]
        # torch's kernel knows one member only: members become groups of channels
        shared = inputs.dim() == 2
        maps = self._convolve(inputs if shared else inputs.transpose(0, 1), groups=1 if shared else members)
        return maps.reshape(len(maps), members, -1).transpose(0, 1)

    def _convolve(self, inputs: Tensor, groups: int) -> Tensor:
        """Maps of all members, `(batch, members x channels, side, side)`, from inputs of `groups` of them."""
        maps = inputs.reshape(-1, groups * self.inputs, self.side, self.side)
        kernels = self.weight.reshape(-1, self.inputs, self.kernel, self.kernel)
        return F.conv2d(maps, kernels, self.bias.flatten(), self.stride, self.padding, groups=groups)


class WrappedConvolution(Linear):
    """3 x 3 convolution of stride 1 whose maps wrap around: what leaves at one border comes in at the other.

    So each unit has as many inputs as any other, and layers keep their variance. Shapes are those of
    `Convolution`. Maps are so small that the affine map of whole layers, zeros and all, is the fastest way.

    Args:
        side: height and width of the maps, at least 3.
        channels: of the maps, in and out.
    """

    kernel: Tensor

    def __init__(self, side: int, channels: int) -> None:
        super().__init__(KERNEL**2 * channels, channels)
        self.side = side
        self.places = side**4 / KERNEL**2
        self.register_buffer("kernel", _wrapped(side).flatten(), persistent=False)

    @property
    def features(self) -> int:
        """Of one example that comes in."""
        return self.out_features * self.side**2

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, features)`; inputs as for `Linear`."""
        channels, units, members = self.out_features, self.side**2, self.weight.shape[:-2]
        kernels = F.pad(self.weight.reshape(*members, channels**2, KERNEL**2), (0, 1))  # zero: no neighbour
        placed = kernels.index_select(-1, self.kernel).reshape(*members, channels, channels, units, units)
        whole = placed.transpose(-3, -2).reshape(*members, self.features, self.features)
        bias = self.bias.repeat_interleave(units, -1)[..., None]
        return (whole @ inputs.mT + bias).mT


def _wrapped(side: int) -> Tensor:
    """The place in the kernel, `(to, from)`, that joins two places of a map; the last for places apart."""
    rows, columns = torch.arange(side**2) // side, torch.arange(side**2) % side
    down, across = ((axis - axis[:, None] + 1) % side for axis in (rows, columns))
    return torch.where((down < KERNEL) & (across < KERNEL), KERNEL * down + across, KERNEL**2)


def convolutional_chain(side: int, channels: Sequence[int], outputs: int, activation: str) -> nn.Module:
    """An uninitialised network of 3 x 3 convolutions of stride 2 and an affine output layer.

    For square images of one colour; the side of the maps is halved from layer to layer, rounded up.

    >>> convolutional_chain(side=8, channels=[4, 6], outputs=3, activation="relu")[-1]
    Linear(in_features=24, out_features=3, bias=True)
    """
    layers: list[nn.Module] = []
    below = 1
    for above in channels:
        convolution = Convolution(side, below, above, kernel=KERNEL, stride=2, padding=1)
        layers += [convolution, ACTIVATIONS[activation]()]
        side, below = convolution.side_above, above
    return nn.Sequential(*layers, Linear(below * side**2, outputs))


def patch_convolution(architecture: "Architecture") -> nn.Module:
    """Convolutions whose hidden layers all have `width` units, in width / 16 channels of 4 x 4 maps.

    The first cuts a square image of one colour into 4 x 4 patches that do not overlap; every further one is
    3 x 3, of stride 1, of maps that wrap around. The output layer is affine.

    Raises:
        ValueError: images are not square, or of a side that 4 does not divide, or 16 does not divide width.
    """
    side, channels = _side_of(architecture.inputs), _channels_of(architecture.width)
    patch = side // MAP_SIDE
    first = Convolution(side, 1, channels, patch, stride=patch)
    further = [WrappedConvolution(MAP_SIDE, channels) for _ in range(architecture.depth - 1)]
    sizes = architecture.inputs, architecture.width, architecture.depth, architecture.outputs
    return Feedforward(*sizes, architecture.activation, affine=[first, *further])


def _side_of(pixels: int) -> int:
    side = isqrt(pixels)
    if side**2 != pixels or side % MAP_SIDE or side < 1:
        raise ValueError(
            f"images have {pixels} pixels; allowed in convolutions of patches: "
            f"square images with a side that is a multiple of {MAP_SIDE}"
        )
    return side


def _channels_of(width: int) -> int:
    units = MAP_SIDE**2
    if width % units:
        raise ValueError(f"width is {width}; allowed in convolutions of patches: multiples of {units}")
    return width // units
