from typing import get_args

import pytest
import torch
from information_cases import normal
from torch.testing import assert_close

from movingtarget.measures.mutual_information.channel import Scaling, noise_like, scaled

SCALINGS: tuple[Scaling, ...] = get_args(Scaling)


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 0.1, 3, 1e90])
def test_a_layer_has_unit_size_and_no_mean(scale: float) -> None:
    layer = normal(300, 5) * torch.arange(1, 6) + 1
    found = scaled(scale * layer, "deviation")
    assert_close(found.mean(0), torch.zeros(5).double(), rtol=0, atol=1e-12)
    assert found.square().mean().item() == pytest.approx(1)
    expected = (layer - layer.mean(0)) / layer.square().mean().sqrt()
    assert_close(scaled(scale * layer, "root-mean-square"), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_less_precise_layers_come_out_in_double(scaling: Scaling) -> None:
    layer = normal(30, 2).float()
    assert scaled(layer, scaling).equal(scaled(layer.double(), scaling))


def test_an_offset_counts_at_unit_root_mean_square_alone() -> None:
    layer = normal(300, 5)
    assert_close(scaled(layer + 100, "deviation"), scaled(layer, "deviation"), rtol=0, atol=1e-9)
    assert scaled(layer + 100, "root-mean-square").std().item() == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("value", [0, 0.1, 0.11, 1 / 3, 7.7, 1e-30])
def test_a_constant_layer_is_undefined(scaling: Scaling, value: float) -> None:
    # less its mean it would be round-off, not zero
    assert scaled(torch.full((300, 3), value, dtype=torch.double), scaling).isnan().all()


def test_an_unknown_scaling_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"scaling 'deviatoin' is unknown \(did you mean deviation\?\)"):
        scaled(normal(5, 2), "deviatoin")  # type: ignore[arg-type]


def test_noise_is_standard_normal_of_the_layers_shape() -> None:
    noise = noise_like(normal(5000, 2).float(), torch.Generator().manual_seed(0))
    assert noise.shape == (5000, 2)
    assert noise.dtype == torch.double
    assert noise.std().item() == pytest.approx(1, abs=0.03)
    assert noise_like(noise, torch.Generator().manual_seed(0)).equal(noise)
