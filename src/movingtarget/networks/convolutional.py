"""Convolutional networks, plain and residual, for square images of one colour."""

from collections.abc import Callable

from torch import Tensor, nn

from movingtarget.networks.initialise import generator

NETWORKS = ("plain", "residual")
NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "batch-norm": nn.BatchNorm2d,
}


class ConvolutionalBlock(nn.Module):
    """One residual block with one weight layer, x + W * relu(N(x)).

    Source: Balduzzi et al. 2017, eq. 2 (with beta = 1), matrices replaced by convolutions.
    """

    def __init__(self, channels: int, normalisation: str) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            NORMALISATIONS[normalisation](channels), nn.ReLU(), _convolution(channels, channels)
        )

    def forward(self, stream: Tensor) -> Tensor:
        """Return the next stream, `(batch, channels, height, width)`."""
        return stream + self.branch(stream)  # type: ignore[no-any-return]


class Convolutional(nn.Module):
    """Convolutional layers, the mean of each channel over the map, and an affine output layer."""

    def __init__(self, side: int, channels: int, outputs: int, layers: list[nn.Module]) -> None:
        super().__init__()
        self.side = side
        self.hidden = nn.Sequential(*layers)
        self.head = nn.Linear(channels, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(batch, outputs)` for flattened images `(batch, side * side)`."""
        maps = self.hidden(inputs.reshape(len(inputs), 1, self.side, self.side))
        return self.head(maps.mean((-2, -1)))  # type: ignore[no-any-return]


def convolutional(
    network: str, side: int, channels: int, depth: int, outputs: int, normalisation: str
) -> nn.Module:
    """An uninitialised network with `depth` layers of 3 x 3 convolutions, the first of stride 2.

    A plain layer is relu(N(W * x)); the residual network has `depth - 1` blocks after the first convolution,
    and its stream is read out as it is, so that both networks of one depth hold the same weights.

    Args:
        network: "plain" or "residual".
        side: height and width of the images, in pixels.
        channels: of every layer.
        depth: convolutional layers, at least 1.
        outputs: classes.
        normalisation: "none" or "batch-norm".

    Raises:
        ValueError: an unknown network or normalisation, or a depth below 1.
    """
    if network not in NETWORKS:
        raise ValueError(f"network '{network}' is unknown; allowed: {', '.join(NETWORKS)}")
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation '{normalisation}' is unknown; allowed: {', '.join(NORMALISATIONS)}")
    if depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")
    stem = _convolution(1, channels, stride=2)
    if network == "residual":
        blocks = [ConvolutionalBlock(channels, normalisation) for _ in range(depth - 1)]
        return Convolutional(side, channels, outputs, [stem, *blocks])
    convolutions = [stem, *(_convolution(channels, channels) for _ in range(depth - 1))]
    layers: list[nn.Module] = [
        nn.Sequential(convolution, NORMALISATIONS[normalisation](channels), nn.ReLU())
        for convolution in convolutions
    ]
    return Convolutional(side, channels, outputs, layers)


def initialise_convolutional(network: nn.Module, seed: int) -> nn.Module:
    r"""Draw the weights of every convolution and affine layer, in place, and return the network.

    $$ W \sim \mathcal{N}(0, 2 / \text{fan-in}) $$ and zero biases. A plain and a residual network of one size
    get equal weights from one seed.

    Source: He et al. 2015, eq. 10.
    """
    source = generator(seed, "weights")
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=source)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def _convolution(inputs: int, channels: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(inputs, channels, kernel_size=3, stride=stride, padding=1)
