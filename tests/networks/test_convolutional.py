import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.testing import assert_close

from movingtarget.networks.convolutional import convolutional, initialise_convolutional

SIDE, CHANNELS, DEPTH, CLASSES = 8, 5, 4, 3


def made(network: str, normalisation: str, depth: int = DEPTH, seed: int = 0) -> nn.Module:
    return initialise_convolutional(
        convolutional(network, SIDE, CHANNELS, depth, CLASSES, normalisation), seed
    ).double()


def images_of(count: int) -> Tensor:
    return torch.randn(count, SIDE**2, dtype=torch.double, generator=torch.Generator().manual_seed(0))


def normalised(maps: Tensor, normalisation: str) -> Tensor:
    if normalisation == "none":
        return maps
    centred = maps - maps.mean((0, 2, 3), keepdim=True)
    return centred / (centred.square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("normalisation", ["none", "batch-norm"])
@pytest.mark.parametrize("kind", ["plain", "residual"])
def test_closed_form(kind: str, normalisation: str) -> None:
    network, images = made(kind, normalisation), images_of(6)
    weights = [part.weight for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert len(weights) == DEPTH
    maps = conv2d(images.view(6, 1, SIDE, SIDE), weights[0], stride=2, padding=1)
    if kind == "plain":
        maps = normalised(maps, normalisation).clamp(min=0)
    for weight in weights[1:]:
        if kind == "plain":
            maps = normalised(conv2d(maps, weight, padding=1), normalisation).clamp(min=0)
        else:
            maps = maps + conv2d(normalised(maps, normalisation).clamp(min=0), weight, padding=1)
    assert maps.shape == (6, CHANNELS, SIDE // 2, SIDE // 2)
    expected = maps.mean((2, 3)) @ network.get_parameter("head.weight").T
    assert_close(network(images), expected, rtol=0, atol=1e-12)


def test_weights_are_he_normal_and_biases_zero() -> None:
    network = convolutional("plain", SIDE, 64, 2, CLASSES, "none")
    initialise_convolutional(network, 0)
    # of 36864 weights the variance has a relative standard error below 0.01
    inner = [part for part in network.modules() if isinstance(part, nn.Conv2d)][1]
    assert inner.weight.var().item() == pytest.approx(2 / (9 * 64), rel=0.04)
    assert inner.weight.mean().abs().item() < 0.001
    assert all((value == 0).all() for name, value in network.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("normalisation", ["none", "batch-norm"])
def test_weights_come_from_the_seed_alone(normalisation: str) -> None:
    torch.manual_seed(1)
    first = made("plain", "none", seed=3)
    second = made("residual", normalisation, seed=3)
    other = made("residual", normalisation, seed=4)
    for of_first, of_second, of_other in zip(*map(convolutions, (first, second, other)), strict=True):
        assert torch.equal(of_first, of_second)
        assert not torch.equal(of_first, of_other)


def convolutions(network: nn.Module) -> list[Tensor]:
    return [part.weight for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear)]


def test_one_layer_is_the_stem() -> None:
    assert made("plain", "none", depth=1)(images_of(2)).shape == (2, CLASSES)
    images = images_of(2)
    residual = made("residual", "batch-norm", depth=1)
    assert_close(residual(2 * images), 2 * residual(images), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("network", "normalisation", "depth", "message"),
    [
        ("highway", "none", 2, "network 'highway' is unknown; allowed: plain, residual"),
        ("plain", "centred", 2, "normalisation 'centred' is unknown; allowed: none, batch-norm"),
        ("residual", "none", 0, "depth must be at least 1, got 0"),
    ],
)
def test_unknown_settings(network: str, normalisation: str, depth: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        convolutional(network, SIDE, CHANNELS, depth, CLASSES, normalisation)
