import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import initialise


def by_hand(network: Feedforward, inputs: Tensor, normalisation: str) -> Tensor:
    """The outputs from the formula, h = relu(N(W h + b)), layer by layer."""
    values = dict(network.named_parameters())
    for layer in range(len(network.hidden)):
        inputs = inputs @ values[f"hidden.{layer}.linear.weight"].T + values[f"hidden.{layer}.linear.bias"]
        if normalisation != "none":
            inputs = inputs - inputs.mean(0)
        if normalisation == "batch-norm":
            inputs = inputs / (inputs.square().mean(0) + 1e-5).sqrt()
        inputs = inputs.clamp(min=0)
    return inputs @ values["head.weight"].T + values["head.bias"]


@pytest.mark.parametrize("normalisation", ["none", "centred", "batch-norm"])
def test_closed_form(normalisation: str) -> None:
    network = Feedforward(5, 6, 4, 3, "relu", normalisation)
    initialise(network, 0, "relu", random_biases=True).double()
    inputs = torch.randn(8, 5, dtype=torch.double)
    assert_close(network(inputs), by_hand(network, inputs, normalisation), rtol=0, atol=1e-12)
