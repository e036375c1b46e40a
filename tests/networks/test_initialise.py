import pytest
import torch
from network_cases import PERCEPTRONS
from torch import Tensor
from torch.testing import assert_close

from movingtarget.networks import Architecture, build
from movingtarget.networks.initialise import GAINS, Weights, generator, initialise
from movingtarget.networks.layers import ACTIVATIONS, Linear


def affine(
    family: str, seed: int, width: int = 6, activation: str = "relu", random_biases: bool = False
) -> list[Linear]:
    """The affine layers of an initialised network."""
    network = initialise(
        build(Architecture(family, 5, width, 3, 4, activation)), seed, activation, random_biases=random_biases
    )
    return [part for part in network.modules() if isinstance(part, Linear)]


def weights(family: str, seed: int) -> Tensor:
    """All weights of a network."""
    return torch.cat([layer.weight.detach().flatten() for layer in affine(family, seed)])


@pytest.mark.parametrize(
    ("activation", "gain", "fan_in"),
    [("relu", 2, 300), ("tanh", 1, 300), ("sigmoid", 1, 300), ("linear", 1, 300), ("crelu", 2, 600)],
)
def test_variance_of_weights(activation: str, gain: float, fan_in: int) -> None:
    hidden = affine("plain", 0, width=300, activation=activation)[1].weight.detach()
    assert hidden.shape == (300, fan_in)
    # 90000 draws: the standard error of their variance is 0.5 %, that of their mean 0.0033 deviations
    assert hidden.var().item() == pytest.approx(gain / fan_in, rel=0.02)
    assert hidden.mean().item() == pytest.approx(0, abs=4 * 0.0033 * (gain / fan_in) ** 0.5)


@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize(("outputs", "inputs"), [(6, 6), (9, 4), (4, 9), (5, 1), (1, 5), (1, 1)])
def test_orthogonal_weights(outputs: int, inputs: int, activation: str) -> None:
    layer = Linear(inputs, outputs).double()
    initialise(layer, 0, activation, "orthogonal")
    rows = layer.weight.detach() if outputs <= inputs else layer.weight.detach().T
    mean_square = GAINS[activation] / inputs
    expected = mean_square * max(outputs, inputs) * torch.eye(min(outputs, inputs)).double()
    assert_close(rows @ rows.T, expected, rtol=0, atol=1e-12)
    assert layer.weight.square().mean().item() == pytest.approx(mean_square, rel=1e-12)


@pytest.mark.parametrize("weights", ["normal", "orthogonal"])
def test_mirrored_weights_have_the_scale_of_a_linear_network(weights: Weights) -> None:
    network = build(Architecture("looks-linear", 300, 300, 2, 300, "relu"))
    initialise(network, 0, "crelu", weights, mirrored=True)
    for value in (layer.weight for layer in network.modules() if isinstance(layer, Linear)):
        # 90000 draws: the standard error of their mean square is 0.5 %
        assert value.square().mean().item() == pytest.approx(1 / 300, rel=0.02)


def test_biases_are_zero_unless_random_ones_are_asked_for() -> None:
    assert all((layer.bias == 0).all() for layer in affine("plain", 0))
    hidden = affine("plain", 0, width=20000 // 5, random_biases=True)[0]
    # 4000 draws: the standard error of their variance is 2.2 %
    assert hidden.bias.var().item() == pytest.approx(2 / 5, rel=0.09)


@pytest.mark.parametrize("family", PERCEPTRONS)
def test_equal_seeds_give_equal_weights_and_other_seeds_others(family: str) -> None:
    assert torch.equal(weights(family, 1), weights(family, 1))
    assert not torch.isin(weights(family, 1), weights(family, 2)).any()


@pytest.mark.parametrize(
    ("first", "second"),
    [("batch-norm", "plain"), ("residual", "plain"), ("linear", "plain"), ("looks-linear", "crelu")],
)
def test_families_of_one_shape_share_their_weights(first: str, second: str) -> None:
    assert torch.equal(weights(first, 3), weights(second, 3))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_initialising_again_leaves_nothing_of_the_first_time(activation: str) -> None:
    network = build(Architecture("batch-norm", 5, 6, 2, 4, activation))
    first = initialise(network, 0, activation).state_dict()["head.weight"].clone()
    initialise(network, 1, activation, random_biases=True)
    assert torch.equal(initialise(network, 0, activation).state_dict()["head.weight"], first)
    assert (network.state_dict()["head.bias"] == 0).all()


def test_every_purpose_and_seed_has_a_stream_of_its_own() -> None:
    purposes = ["weights", *(f"order of epoch {epoch}" for epoch in range(30))]
    starts = [torch.rand(4, generator=generator(seed, purpose)) for purpose in purposes for seed in range(30)]
    assert len(set(map(tuple, torch.stack(starts).tolist()))) == len(purposes) * 30
