from typing import Any

import pytest
import torch

from movingtarget.data.load import Images
from movingtarget.networks import Architecture, build_random
from movingtarget.networks.convolution import convolutional_chain
from movingtarget.networks.described import Description
from movingtarget.networks.initialise import initialise

SIZES: dict[str, Any] = {
    **{"hidden_width": 6, "depth": 2, "channels": [3, 4, 5]},
    **{"activation": "tanh", "initial_weights": "orthogonal"},
}


def squares(pixels: int = 16) -> Images:
    inputs, labels = torch.randn(12, pixels), torch.arange(12) % 4
    return Images(inputs, labels, inputs, labels)


def test_a_family_is_drawn_as_anywhere() -> None:
    expected = build_random(Architecture("batch-norm", 16, 6, 2, 4, "tanh", "orthogonal"), 3)
    images = squares()
    drawn = Description("batch-norm", **SIZES)
    assert torch.equal(drawn.draw(images, 3)(images.train_inputs), expected(images.train_inputs))
    assert drawn.hidden_layers == 2


def test_the_convolutional_network_is_drawn_from_its_seed() -> None:
    expected = initialise(convolutional_chain(4, [3, 4, 5], 4, "tanh"), 3, "tanh", "orthogonal")
    images, drawn = squares(), Description("convolutional", **SIZES)
    assert torch.equal(drawn.draw(images, 3)(images.train_inputs), expected(images.train_inputs))
    assert drawn.hidden_layers == 3


def test_a_convolution_wants_square_images() -> None:
    with pytest.raises(ValueError, match="images must be square, got 15 pixels"):
        Description("convolutional", **SIZES).draw(squares(15), 0)
