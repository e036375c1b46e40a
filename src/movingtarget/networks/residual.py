"""Residual networks of pre-activation blocks, with a branch scale beta."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from movingtarget.networks.layers import ACTIVATIONS, NORMALISATIONS, Linear

if TYPE_CHECKING:
    from movingtarget.networks.build import Architecture


class ResidualBlock(nn.Module):
    """One block, skip * x + beta * B(x); the branch B holds weight layers W f(N(x)) + b, one unless told.

    With skip^2 + beta^2 = 1 it is the highway block of Balduzzi et al. 2017, corollary 1.

    Source: He et al. 2016, "Identity mappings", figure 1b (pre-activation); Balduzzi et al. 2017, eq. 2.
    """

    def __init__(
        self,
        width: int,
        activation: str,
        normalisation: str,
        beta: float,
        skip: float = 1.0,
        weight_layers: int = 1,
    ) -> None:
        super().__init__()
        parts = [
            part
            for _ in range(weight_layers)
            for part in (
                NORMALISATIONS[normalisation](width),
                ACTIVATIONS[activation](),
                Linear(width, width),
            )
        ]
        self.branch = nn.Sequential(*parts)
        self.beta, self.skip = beta, skip

    def forward(self, stream: Tensor) -> Tensor:
        """Return the next stream, `(..., batch, width)`."""
        carried = stream if self.skip == 1.0 else self.skip * stream
        return torch.add(carried, self.branch(stream), alpha=self.beta)


class Residual(nn.Module):
    """An affine stem, `depth - 1` residual blocks of `width` units, and an output layer.

    The stem counts as the first of `depth` hidden layers, so that a residual and a feedforward network of
    one depth hold the same weights. By default the stream is normalised and activated once more before the
    output layer, as pre-activation networks are. With `on_a_line`, for inputs of one dimension, it is read
    out as it is (Balduzzi et al. 2017, eq. 2, ends with the stream), and one layer of rectifiers stands
    before the stem: a stream that starts at a line's affine images would bend nowhere; `rectified_output`
    brings the last activation back there. With blocks of two weight layers there are half as many.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        depth: int,
        outputs: int,
        activation: str,
        normalisation: str = "none",
        beta: float = 1.0,
        on_a_line: bool = False,
        rectified_output: bool = False,
        block_layers: int = 1,
    ) -> None:
        super().__init__()
        lift = nn.Sequential(Linear(inputs, width), nn.ReLU(), Linear(width, width))
        stem = lift if on_a_line else Linear(inputs, width)
        blocks = [
            ResidualBlock(width, activation, normalisation, beta, weight_layers=block_layers)
            for _ in range((depth - 1) // block_layers)
        ]
        last = nn.Sequential(NORMALISATIONS[normalisation](width), ACTIVATIONS[activation]())
        self.hidden = nn.ModuleList([stem, *blocks])
        self.last = nn.Identity() if on_a_line and not rectified_output else last
        self.head = Linear(width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, outputs)`."""
        for layer in self.hidden:
            inputs = layer(inputs)
        return self.head(self.last(inputs))  # type: ignore[no-any-return]


def scaled(architecture: "Architecture") -> nn.Module:
    """Without normalisation; branches scaled by 1 / sqrt(depth), which bounds the stream's variance."""
    return _residual(architecture, "none", architecture.depth**-0.5)


def unscaled(architecture: "Architecture") -> nn.Module:
    """Without normalisation, and with unscaled branches: the stream's variance grows with every block."""
    return _residual(architecture, "none", 1.0)


def batch_norm(architecture: "Architecture") -> nn.Module:
    """With batch norm in front of every branch, and unscaled branches."""
    return _residual(architecture, "batch-norm", 1.0)


def _residual(architecture: "Architecture", normalisation: str, beta: float) -> nn.Module:
    sizes = architecture.inputs, architecture.width, architecture.depth, architecture.outputs
    return Residual(*sizes, architecture.activation, normalisation, beta)
