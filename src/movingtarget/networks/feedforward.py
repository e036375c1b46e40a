"""Feedforward networks: plain (Rosenblatt's perceptron with hidden layers), centred, or with batch norm."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from movingtarget.networks.layers import ACTIVATIONS, NORMALISATIONS, Linear

if TYPE_CHECKING:
    from movingtarget.networks.build import Architecture


class FeedforwardLayer(nn.Module):
    """One hidden layer, h = f(N(W x + b)), N being no normalisation, centring or batch norm.

    Its affine map, to `width` units, is given: a `Linear` layer, a convolution or a chain of such.

    Source: Ioffe & Szegedy 2015, section 3.2 (normalisation between the affine map and the activation).
    """

    def __init__(self, affine: nn.Module, width: int, activation: str, normalisation: str) -> None:
        super().__init__()
        self.linear = affine
        self.normalisation = NORMALISATIONS[normalisation](width)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, width)`."""
        pre_activation: Tensor = self.normalisation(self.linear(inputs))
        return self.activation(pre_activation)  # type: ignore[no-any-return]


class Feedforward(nn.Module):
    """`depth` hidden layers of `width` units and an affine output layer.

    The affine maps of the hidden layers are of class `Linear` unless others are given.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        depth: int,
        outputs: int,
        activation: str,
        normalisation: str = "none",
        affine: Sequence[nn.Module] = (),
    ) -> None:
        super().__init__()
        widened = 2 * width if activation == "crelu" else width
        sizes = [inputs] + [widened] * depth
        self.hidden = nn.ModuleList(
            FeedforwardLayer(layer, width, activation, normalisation)
            for layer in affine or [Linear(below, width) for below in sizes[:depth]]
        )
        self.head = Linear(sizes[depth], outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, outputs)`."""
        for layer in self.hidden:
            inputs = layer(inputs)
        return self.head(inputs)  # type: ignore[no-any-return]


def plain(architecture: "Architecture") -> nn.Module:
    """Without normalisation."""
    return _feedforward(architecture, "none")


def batch_norm(architecture: "Architecture") -> nn.Module:
    """With batch norm between every hidden layer's affine map and its activation."""
    return _feedforward(architecture, "batch-norm")


def _feedforward(architecture: "Architecture", normalisation: str) -> nn.Module:
    sizes = architecture.inputs, architecture.width, architecture.depth, architecture.outputs
    return Feedforward(*sizes, architecture.activation, normalisation)
