"""A convolutional network that can be trained in a stack: convolutions and an output layer."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.networks.layers import ACTIVATIONS, Linear

KERNEL, STRIDE = 3, 2


class Convolution(Linear):
    """3 x 3 convolution of stride 2, of one member or of a stack: an affine map of every other patch.

    Maps come and go flat, channels outermost, so that it works on `(..., batch, features)` as any layer here.
    The weight is `(channels out, 9 x channels in)`, of a stack with a leading axis of members.

    Args:
        side: height and width of the maps that come in.
        inputs: their channels.
        channels: of the maps that go out, whose side is half as long, rounded up.
    """

    def __init__(self, side: int, inputs: int, channels: int) -> None:
        super().__init__(KERNEL**2 * inputs, channels)
        self.side, self.inputs = side, inputs
        self.places = halved(side) ** 2

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
        kernels = self.weight.reshape(-1, self.inputs, KERNEL, KERNEL)
        return F.conv2d(maps, kernels, self.bias.flatten(), STRIDE, padding=1, groups=groups)


def convolutional_chain(side: int, channels: Sequence[int], outputs: int, activation: str) -> nn.Module:
    """An uninitialised network of convolutions and an affine output layer, for square images of one colour.

    >>> convolutional_chain(side=8, channels=[4, 6], outputs=3, activation="relu")[-1]
    Linear(in_features=24, out_features=3, bias=True)
    """
    layers: list[nn.Module] = []
    below = 1
    for above in channels:
        layers += [Convolution(side, below, above), ACTIVATIONS[activation]()]
        side, below = halved(side), above
    return nn.Sequential(*layers, Linear(below * side**2, outputs))


def halved(side: int) -> int:
    """Of a map after a convolution of stride 2."""
    return -(-side // STRIDE)
