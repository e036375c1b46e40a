import math

import pytest
import torch

from movingtarget.measures.capture import capture
from movingtarget.networks import FAMILIES, build
from movingtarget.networks.initialise import initialise
from movingtarget.networks.layers import ACTIVATIONS, Linear


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_shapes(family: str, depth: int, activation: str) -> None:
    network = initialise(build(family, 5, 6, depth, 4, activation), 0, activation)
    affine = [part for part in network.modules() if isinstance(part, Linear)]
    assert network(torch.randn(3, 5)).shape == (3, 4)
    assert [layer.weight.shape for layer in affine] == [(6, 5)] + [(6, 6)] * (depth - 1) + [(4, 6)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_is_the_one_asked_for(activation: str) -> None:
    parts = build("plain", 5, 6, 2, 4, activation).modules()
    kinds = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
    assert sum(isinstance(part, kinds[activation]) for part in parts) == 2


def test_residual_stream_stays_bounded() -> None:
    # each of 49 branches adds a share 1 / 50 to the stream's mean square: (1 + 1 / 50)^49 = 2.64 = e nearly
    depth, growth = 50, []
    for seed in range(5):
        network = initialise(build("residual", 20, 128, depth, 4, "relu"), seed, "relu")
        ends = {str(place): network.get_submodule(f"hidden.{place}") for place in (0, depth - 1)}
        with torch.no_grad(), capture(ends, lambda _, output: output.square().mean().item()) as seen:
            network(torch.randn(50, 20, generator=torch.Generator().manual_seed(seed)))
        growth.append(math.log(seen[str(depth - 1)] / seen["0"]))
    assert sum(growth) / 5 == pytest.approx(49 * math.log(1 + 1 / 50), abs=0.3)


def test_unknown_family_says_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="'highway' is unknown; allowed: plain, batch-norm, residual"):
        build("highway", 5, 6, 2, 4, "relu")
