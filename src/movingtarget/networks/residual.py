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
    """An affine stem, `depth - 1` residual blocks of `width` units, activation and affine output layer.

    The stem counts as the first of `depth` hidden layers, so that a residual and a feedforward network of
    one depth hold the same weights. `stem_hidden` puts one more layer of rectifiers before the stem, for
    inputs of one dimension: a stream that starts at a line's affine images bends nowhere.
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
        stem_hidden: bool = False,
    ) -> None:
        super().__init__()
        lift = nn.Sequential(Linear(inputs, width), nn.ReLU(), Linear(width, width))
        stem = lift if stem_hidden else Linear(inputs, width)
        blocks = [ResidualBlock(width, activation, normalisation, beta) for _ in range(depth - 1)]
        self.hidden = nn.ModuleList([stem, *blocks])
        self.normalisation = NORMALISATIONS[normalisation](width)
        self.activation = ACTIVATIONS[activation]()
        self.head = Linear(width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(..., batch, outputs)`."""
        for layer in self.hidden:
            inputs = layer(inputs)
        return self.head(self.activation(self.normalisation(inputs)))  # type: ignore[no-any-return]
