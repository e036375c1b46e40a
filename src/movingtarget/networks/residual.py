"""Residual networks of pre-activation blocks, with a branch scale beta."""

from torch import Tensor, nn

from movingtarget.networks.layers import ACTIVATIONS, NORMALISATIONS, Linear


class ResidualBlock(nn.Module):
    """One block with one weight layer, x + beta (W f(N(x)) + b).

    Source: He et al. 2016, "Identity mappings", figure 1b (pre-activation); Balduzzi et al. 2017, eq. 2.
    """

    def __init__(self, width: int, activation: str, normalisation: str, beta: float) -> None:
        super().__init__()
        self.normalisation = NORMALISATIONS[normalisation](width)
        self.activation = ACTIVATIONS[activation]()
        self.linear = Linear(width, width)
        self.beta = beta

    def forward(self, stream: Tensor) -> Tensor:
        """Return the next stream, `(..., batch, width)`."""
        branch: Tensor = self.linear(self.activation(self.normalisation(stream)))
        return stream + self.beta * branch


class Residual(nn.Module):
    """An affine stem, `depth - 1` residual blocks of `width` units, and an output layer.

    The stem counts as the first of `depth` hidden layers, so that a residual and a feedforward network of
    one depth hold the same weights. By default the stream is normalised and activated once more before the
    output layer, as pre-activation networks are. With `on_a_line`, for inputs of one dimension, it is read
    out as it is (Balduzzi et al. 2017, eq. 2, ends with the stream), and one layer of rectifiers stands
    before the stem: a stream that starts at a line's affine images would bend nowhere.
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
    ) -> None:
        super().__init__()
        lift = nn.Sequential(Linear(inputs, width), nn.ReLU(), Linear(width, width))
        stem = lift if on_a_line else Linear(inputs, width)
        blocks = [ResidualBlock(width, activation, normalisation, beta) for _ in range(depth - 1)]
        last = nn.Sequential(NORMALISATIONS[normalisation](width), ACTIVATIONS[activation]())
        self.hidden = nn.ModuleList([stem, *blocks])
        self.last = nn.Identity() if on_a_line else last
        self.head = Linear(width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, outputs)`."""
        for layer in self.hidden:
            inputs = layer(inputs)
        return self.head(self.last(inputs))  # type: ignore[no-any-return]
