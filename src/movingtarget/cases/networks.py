"""Small networks as people write them, of images `(batch, 1, side, side)`, with torch's initial weights."""

from itertools import chain, pairwise

import torch
from torch import Tensor, nn


def perceptron(side: int, classes: int) -> nn.Module:
    """Four hidden layers of 64 rectifiers, not normalised."""
    widths = [side**2, *[64] * 4]
    hidden = [(nn.Linear(*pair), nn.ReLU()) for pair in pairwise(widths)]
    return nn.Sequential(nn.Flatten(), *chain(*hidden), nn.Linear(widths[-1], classes))


def deep(side: int, classes: int) -> nn.Module:
    """Twenty hidden layers of 64 rectifiers, each with batch norm."""
    widths = [side**2, *[64] * 20]
    hidden = [(nn.Linear(*pair), nn.BatchNorm1d(pair[1]), nn.ReLU()) for pair in pairwise(widths)]
    return nn.Sequential(nn.Flatten(), *chain(*hidden), nn.Linear(widths[-1], classes))


def convnet(side: int, classes: int) -> nn.Module:
    """Three convolutions with batch norm, of 8, 16 and 16 channels, and a linear layer."""
    shapes = [(1, 8, 2), (8, 16, 2), (16, 16, 1)]
    hidden = [
        (nn.Conv2d(before, after, 3, stride, padding=1), nn.BatchNorm2d(after), nn.ReLU())
        for before, after, stride in shapes
    ]
    places = (side + 3) // 4
    return nn.Sequential(*chain(*hidden), nn.Flatten(), nn.Linear(16 * places**2, classes))


class Block(nn.Module):
    """Two convolutions with batch norm, added to what comes in."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.inner = nn.ReLU()
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.outer = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps as large as those that come in."""
        hidden = self.inner(self.first_norm(self.first(inputs)))
        return self.outer(inputs + self.second_norm(self.second(hidden)))  # type: ignore[no-any-return]


class Residual(nn.Module):
    """A convolution, three blocks of 12 channels, the mean over the image and a linear layer."""

    def __init__(self, classes: int):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 12, 5, 4, padding=2, bias=False), nn.BatchNorm2d(12), nn.ReLU()
        )
        self.blocks = nn.ModuleList([Block(12) for _ in range(3)])
        self.head = nn.Linear(12, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(batch, classes)`."""
        maps = self.stem(images)
        for block in self.blocks:
            maps = block(maps)
        return self.head(maps.mean((-2, -1)))  # type: ignore[no-any-return]


def residual(side: int, classes: int) -> nn.Module:
    """A `Residual` network; images may have any size."""
    return Residual(classes)


class Transformer(nn.Module):
    """An encoder of an image's rows, 32 wide, with layers of two heads and GELU."""

    def __init__(self, side: int, classes: int, layers: int = 2):
        super().__init__()
        self.embedding = nn.Linear(side, 32)
        self.positions = nn.Parameter(0.02 * torch.randn(side, 32))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(32, 2, 64, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(batch, classes)`, of the mean over rows."""
        rows = self.embedding(images.squeeze(1)) + self.positions
        for layer in self.layers:
            rows = layer(rows)
        return self.head(self.norm(rows).mean(1))  # type: ignore[no-any-return]


def transformer(side: int, classes: int) -> nn.Module:
    """A `Transformer`."""
    return Transformer(side, classes)
