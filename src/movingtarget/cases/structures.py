"""Networks of any depth, with torch's own initial weights: some healthy, some not."""

from collections.abc import Sequence
from itertools import chain

from torch import Tensor, nn

from movingtarget.cases.networks import Block, Transformer

WIDTH, CHANNELS = 64, 16


def plain(side: int, classes: int, depth: int) -> nn.Module:
    """So many layers of 64 rectifiers, and an output layer."""
    return _perceptron(side, classes, [(nn.Linear(WIDTH, WIDTH), nn.ReLU()) for _ in range(depth - 1)])


def batch_norm(side: int, classes: int, depth: int) -> nn.Module:
    """The same with batch norm before every rectifier but the first."""
    hidden = [(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU()) for _ in range(depth - 1)]
    return _perceptron(side, classes, hidden)


class Skip(nn.Module):
    """A layer with batch norm whose rectified outputs are added to what comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear, self.rectifier = nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, WIDTH), nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """The stream, `(batch, 64)`."""
        return inputs + self.linear(self.rectifier(self.norm(inputs)))  # type: ignore[no-any-return]


def residual(side: int, classes: int, depth: int) -> nn.Module:
    """A layer of 64 rectifiers, residual layers with batch norm, and an output layer."""
    return _perceptron(side, classes, [(Skip(),) for _ in range(depth - 1)])


def plain_convnet(side: int, classes: int, depth: int) -> nn.Module:
    """So many convolutions to 16 channels, the first two of stride 2, and a linear layer."""
    return nn.Sequential(*chain(*((part, nn.ReLU()) for part in _convolutions(depth))), *_head(side, classes))


def convnet(side: int, classes: int, depth: int) -> nn.Module:
    """The same with batch norm."""
    hidden = ((part, nn.BatchNorm2d(CHANNELS), nn.ReLU()) for part in _convolutions(depth))
    return nn.Sequential(*chain(*hidden), *_head(side, classes))


def residual_convnet(side: int, classes: int, depth: int) -> nn.Module:
    """Two convolutions of stride 2 with batch norm, residual blocks of two each, and a linear layer."""
    stem = ((part, nn.BatchNorm2d(CHANNELS), nn.ReLU()) for part in _convolutions(2))
    blocks = [Block(CHANNELS) for _ in range((depth - 2) // 2)]
    return nn.Sequential(*chain(*stem), *blocks, *_head(side, classes))


def transformer(side: int, classes: int, depth: int) -> nn.Module:
    """An encoder of an image's rows of so many layers."""
    return Transformer(side, classes, depth)


def _perceptron(side: int, classes: int, hidden: Sequence[tuple[nn.Module, ...]]) -> nn.Module:
    first = (nn.Flatten(), nn.Linear(side**2, WIDTH), nn.ReLU())
    return nn.Sequential(*first, *chain(*hidden), nn.Linear(WIDTH, classes))


def _convolutions(depth: int) -> list[nn.Conv2d]:
    return [
        nn.Conv2d(CHANNELS if place else 1, CHANNELS, 3, 2 if place < 2 else 1, padding=1)
        for place in range(depth)
    ]


def _head(side: int, classes: int) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(CHANNELS * ((side + 3) // 4) ** 2, classes)]
