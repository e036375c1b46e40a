"""Networks by name, perceptrons of the families and the convolutional one, as some settings describe them."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from movingtarget.data.load import Images
from movingtarget.networks.build import Architecture, build_random
from movingtarget.networks.convolution import convolutional_chain
from movingtarget.networks.initialise import Weights, initialise

CONVOLUTIONAL = "convolutional"


@dataclass(frozen=True)
class Description:
    """What a network is but for the sizes of the data.

    Attributes:
        network: a family, or "convolutional".
        hidden_width: units of a perceptron's hidden layer.
        depth: a perceptron's hidden layers.
        channels: of each convolution of the convolutional network.
        activation: of hidden layers.
        initial_weights: how they are drawn.
    """

    network: str
    hidden_width: int
    depth: int
    channels: Sequence[int]
    activation: str
    initial_weights: Weights

    @property
    def hidden_layers(self) -> int:
        """All layers but the output layer."""
        return len(self.channels) if self.network == CONVOLUTIONAL else self.depth

    def draw(self, images: Images, seed: int) -> nn.Module:
        """A random network for a data set; raises ValueError for a convolution of images not square."""
        activation, weights = self.activation, self.initial_weights
        if self.network == CONVOLUTIONAL:
            network = convolutional_chain(images.side, self.channels, images.classes, activation)
            return initialise(network, seed, activation, weights)
        sizes = images.features, self.hidden_width, self.depth, images.classes
        return build_random(Architecture(self.network, *sizes, activation, weights), seed)
