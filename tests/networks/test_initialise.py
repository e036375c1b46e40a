import pytest
import torch
from torch import Tensor

from movingtarget.networks import FAMILIES, build
from movingtarget.networks.initialise import generator, initialise
from movingtarget.networks.layers import ACTIVATIONS, Linear


def affine(family: str, seed: int, width: int = 6, activation: str = "relu", **options: bool) -> list[Linear]:
    """The affine layers of an initialised network."""
    network = initialise(build(family, 5, width, 3, 4, activation), seed, activation, **options)
    return [part for part in network.modules() if isinstance(part, Linear)]


def weights(family: str, seed: int) -> Tensor:
    """All weights of a network."""
    return torch.cat([layer.weight.detach().flatten() for layer in affine(family, seed)])


@pytest.mark.parametrize(("activation", "gain"), [("relu", 2), ("tanh", 1), ("sigmoid", 1)])
def test_variance_of_weights(activation: str, gain: float) -> None:
    hidden = affine("plain", 0, width=300, activation=activation)[1].weight.detach()
    # 90000 draws: the standard error of their variance is 0.5 %, that of their mean 0.0033 deviations
    assert hidden.var().item() == pytest.approx(gain / 300, rel=0.02)
    assert hidden.mean().item() == pytest.approx(0, abs=4 * 0.0033 * (gain / 300) ** 0.5)


def test_biases_are_zero_unless_random_ones_are_asked_for() -> None:
    assert all((layer.bias == 0).all() for layer in affine("plain", 0))
    hidden = affine("plain", 0, width=20000 // 5, random_biases=True)[0]
    # 4000 draws: the standard error of their variance is 2.2 %
    assert hidden.bias.var().item() == pytest.approx(2 / 5, rel=0.09)


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_seeds_give_equal_weights_and_other_seeds_others(family: str) -> None:
    assert torch.equal(weights(family, 1), weights(family, 1))
    assert not torch.isin(weights(family, 1), weights(family, 2)).any()


def test_families_share_their_weights() -> None:
    for family in FAMILIES:
        assert torch.equal(weights(family, 3), weights("plain", 3))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_initialising_again_leaves_nothing_of_the_first_time(activation: str) -> None:
    network = build("batch-norm", 5, 6, 2, 4, activation)
    first = initialise(network, 0, activation).state_dict()["head.weight"].clone()
    initialise(network, 1, activation, random_biases=True)
    assert torch.equal(initialise(network, 0, activation).state_dict()["head.weight"], first)
    assert (network.state_dict()["head.bias"] == 0).all()


def test_every_purpose_and_seed_has_a_stream_of_its_own() -> None:
    purposes = ["weights", *(f"order of epoch {epoch}" for epoch in range(30))]
    starts = [torch.rand(4, generator=generator(seed, purpose)) for purpose in purposes for seed in range(30)]
    assert len(set(map(tuple, torch.stack(starts).tolist()))) == len(purposes) * 30
